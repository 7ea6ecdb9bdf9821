import { expect, test } from 'vitest'
import { BertTokenizer, ClipTokenizer } from '../../lib/index.js'
import { illegible } from '../../lib/tokenizer/legibility.js'

const clip = await ClipTokenizer.load()
const bert = await BertTokenizer.load()
const capitals = await BertTokenizer.load({ lowerCase: false })

test.each([
  ['English for CLIP', clip, ['a dog on the grass', 'a cat']],
  ['some Chinese for CLIP', clip, ['a dog called 旺财', 'two cats']],
  ['neither letters nor captions', clip, ['1 + 1', '…']],
  ['no captions', bert, []],
  ['Chinese for BERT', bert, ['一只狗在草地上奔跑', '两只猫']],
  ['English for the Chinese BERT', bert, ['A dog on the grass', 'a cat']],
  ['one unknown word', bert, ['一只狗在草地上奔跑🐕']],
])('%s is legible', (_, tokenizer, captions) => {
  expect(illegible(tokenizer, captions)).toBeUndefined()
})

test.each([
  ['Chinese for CLIP', clip, ['一只狗在草地上奔跑', 'two 猫'], /^77 % of the captions' letters are Chinese/],
  ['Thai for the Chinese BERT', bert, ['สุนัขวิ่ง', '一只狗'], /^25 % of the captions' words .* \[UNK\]/],
  ['capitals where there are none', capitals, ['A DOG', 'two CATS'], /^\d+ % of the captions' words .* lower case/],
])('%s is not', (_, tokenizer, captions, message) => {
  expect(illegible(tokenizer, captions)).toMatch(message)
})
