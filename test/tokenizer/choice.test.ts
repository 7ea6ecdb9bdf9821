import { beforeAll, describe, expect, it } from 'vitest'
import { BertTokenizer } from '../../lib/tokenizer/bert-tokenizer.js'
import { describeTokenizer, openTokenizer, parseTokenizer } from '../../lib/tokenizer/choice.js'
import { ClipTokenizer } from '../../lib/tokenizer/clip-tokenizer.js'
import type { Tokenizer } from '../../lib/tokenizer/tokenizer.js'

const VOCABULARY = '[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\nA\na\n'
let small: BertTokenizer
beforeAll(async () => {
  small = await BertTokenizer.fromText(VOCABULARY, 'x', false)
})

const described = (tokenizer: Tokenizer) => JSON.parse(describeTokenizer(tokenizer, 9))
const parsed = (value: object) => parseTokenizer(JSON.stringify(value), 'm.safetensors')

describe('a tokenizer beside its weights', () => {
  it('is described so that another program can tell which it was', async () => {
    expect(described(await ClipTokenizer.load())).toEqual({ type: 'clip', context_length: 9, pad_id: 0 })
    const shipped = { type: 'bert', lower_case: true, context_length: 9, pad_id: 0 }
    expect(described(await BertTokenizer.load())).toEqual(shipped)
    expect(described(await BertTokenizer.load({ lowerCase: false }))).toEqual({ ...shipped, lower_case: false })
    expect(described(small)).toEqual({ ...shipped, lower_case: false, vocab: VOCABULARY })
    const manner = { clean: 'whitespace', stripSeparator: false } as const
    const ids = await openTokenizer({ type: 'json', manner, padId: 1, vocabSize: 128 })
    const said = { type: 'json', clean: 'whitespace', vocab_size: 128, context_length: 9, pad_id: 1 }
    expect(described(ids)).toEqual(said)
  })

  it('whose files are not there keeps its name, and says so when it is given text', async () => {
    const manner = { clean: 'canonicalize', stripSeparator: true } as const
    const choice = { type: 'json', name: 'bert-base-uncased', manner, padId: 0, vocabSize: 32000 } as const
    const tokenizer = await openTokenizer(choice)
    expect(parseTokenizer(describeTokenizer(tokenizer, 9), 'x')).toEqual(choice)
    expect(() => tokenizer.encode('a cat')).toThrow(
      expect.objectContaining({ code: 'ERR_UNSUPPORTED', message: expect.stringContaining('"bert-base-uncased"') }),
    )
  })

  it('is read as it was described', async () => {
    expect(parsed({ type: 'clip', pad_id: 7 })).toEqual({ type: 'clip' })
    expect(parsed({ type: 'bert' })).toEqual({ type: 'bert', lowerCase: true })
    expect(parsed({ type: 'bert', lower_case: false })).toEqual({ type: 'bert', lowerCase: false })
    expect(parsed({ type: 'bert', vocab: 'a' })).toMatchObject({
      vocab: { text: 'a', where: 'm.safetensors (metadata)' },
    })
    const ids = { type: 'json', clean: 'lower', pad_id: 3, vocab_size: 128 }
    const manner = { clean: 'lower', stripSeparator: false }
    expect(parsed(ids)).toEqual({ type: 'json', manner, padId: 3, vocabSize: 128 })
  })

  it('comes back', async () => {
    for (const tokenizer of [await BertTokenizer.load({ lowerCase: false }), await BertTokenizer.load(), small]) {
      const again = (await openTokenizer(parseTokenizer(describeTokenizer(tokenizer, 9), 'x'))) as BertTokenizer
      expect(again.encode('A a 一')).toEqual(tokenizer.encode('A a 一'))
      expect(again).toMatchObject({ lowerCase: tokenizer.lowerCase, isShipped: tokenizer.isShipped })
    }
  })

  it.each([
    ['ERR_UNSUPPORTED', 'm.safetensors was trained with the tokenizer "tiktoken"', { type: 'tiktoken' }],
    ['ERR_UNSUPPORTED', 'undefined', {}],
    ['ERR_FORMAT', '"lower_case"', { type: 'bert', lower_case: 1 }],
    ['ERR_FORMAT', '"vocab_size"', { type: 'json', clean: 'none', pad_id: 1, vocab_size: 0 }],
    ['ERR_FORMAT', 'has no tokenizer.json', { type: 'json', clean: 'none', pad_id: 1, vocab_size: 9, files: {} }],
    [
      'ERR_FORMAT',
      '"files.tokenizer.json" is damaged',
      { type: 'json', clean: 'none', pad_id: 1, vocab_size: 9, files: { 'tokenizer.json': 'AAAA' } },
    ],
  ])('is refused: %s, %s', (code, message, value) => {
    expect(() => parsed(value)).toThrow(
      expect.objectContaining({ code, message: expect.stringContaining(message as string) }),
    )
  })
})
