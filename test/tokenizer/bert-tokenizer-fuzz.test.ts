import { expect, it } from 'vitest'
import { BertTokenizer } from '../../lib/tokenizer/bert-tokenizer.js'
import { bertWords } from '../../lib/tokenizer/bert-words.js'
import { fuzz, fuzzTimeout, pick, type Random } from '../fuzz/fuzz.js'

const SCRAPS = [
  ...['一只狗', '，', '。', '漢字', 'かな', '한국', '豈', '𠮷', 'Dog', "it's", 'UNAFFABLE', '3.14', '½', 'km²', 'ａＢ'],
  ...['[MASK]', '[CLS]', '[UNK', '[[SEP]]', '##ing', '≠', 'İ', 'ΟΔΟΣ', 'ß', 'é', 'e\u0301', '\u0301', 'שלום'],
  ...[' ', '  ', '\t', '\r\n', '\u2028', '\u3000', '\u0085', '\u0000', '\ufffd', '\u200d', '\ufeff', '\ue000'],
  ...['👩‍🚀', '🏳️‍🌈', '\ud800', '\udfff'],
]

function randomText(random: Random): string {
  let text = ''
  for (let parts = random.below(12); parts > 0; parts--) {
    const point = random.below(pick(random, [0x80, 0x250, 0x10000, 0x110000]))
    text += random.below(3) ? pick(random, SCRAPS) : String.fromCodePoint(point)
  }
  return random.below(20) ? text : text.repeat(1 + random.below(200))
}

const PIECES = /(\[(?:PAD|UNK|CLS|SEP|MASK)\])/

it(
  'any string has ids of the vocabulary, and those of its words one by one',
  async () => {
    const [lower, cased] = [await BertTokenizer.load(), await BertTokenizer.load({ lowerCase: false })]
    await fuzz('WordPiece', { codes: [] }, (random) => {
      const tokenizer = random.below(2) ? lower : cased
      const text = randomText(random)
      const ids = tokenizer.encode(text)
      for (const id of ids) expect(Number.isInteger(id) && id >= 0 && id < tokenizer.vocabSize).toBe(true)
      const words = text
        .split(PIECES)
        .flatMap((part) => (PIECES.test(part) ? [part] : bertWords(part, tokenizer.lowerCase)))
      expect(ids, JSON.stringify(text)).toEqual(words.flatMap((word) => tokenizer.encode(word)))
      // What is known to the vocabulary comes back unchanged.
      if (!ids.includes(100)) expect(tokenizer.encode(tokenizer.decode(ids)), JSON.stringify(text)).toEqual(ids)
    })
  },
  fuzzTimeout,
)
