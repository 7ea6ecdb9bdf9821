import { expect, it } from 'vitest'
import { ClipTokenizer } from '../../lib/tokenizer/clip-tokenizer.js'
import { fuzz, fuzzTimeout, pick, type Random } from '../fuzz/fuzz.js'

const SCRAPS = [
  ...['a', 'Dog', "it's", "I'LL", '3', '½', '٣', 'ſ', 'İ', 'ß', 'ﬁ', 'Å', 'é', 'ａ', '“x”', '…'],
  ...['&amp;', '&lt;', '&amp;lt;', '&#x1F600;', '&#0;', '&NotEqualTilde;', '&', '<', '<b>', '</w>'],
  ...[
    '<start_of_text>',
    '<END_OF_TEXT>',
    '\u0345',
    '\u0301',
    '\u200d',
    '\ufeff',
    '\u00ad',
    '\u0000',
    '\u001b[31m',
    '\u0085',
  ],
  ...[
    ' ',
    '  ',
    '\t',
    '\n',
    '\r\n',
    '\u2028',
    '\u3000',
    '漢字',
    'かな',
    '한국',
    'שלום',
    '👩‍🚀',
    '🏳️‍🌈',
    '\ud800',
    '\udfff',
  ],
]

function character(random: Random): string {
  const point = random.below(pick(random, [0x80, 0x100, 0x800, 0x10000, 0x110000]))
  return String.fromCodePoint(point)
}

/** Text as it looks after its UTF-8 was read as something else. */
const mojibake = (text: string) => Buffer.from(text).toString('latin1')

function randomText(random: Random): string {
  let text = ''
  for (let parts = random.below(12); parts > 0; parts--) {
    const part = random.below(2) ? pick(random, SCRAPS) : character(random)
    text += random.below(6) ? part : mojibake(part).repeat(1 + random.below(3))
  }
  return random.below(20) ? text : text.repeat(1 + random.below(200))
}

it(
  'any string has ids of the vocabulary, and text that was decoded twice has the same ids for ever',
  async () => {
    const tokenizer = await ClipTokenizer.load()
    await fuzz('tokenizer', { codes: [] }, (random) => {
      const text = randomText(random)
      const ids = tokenizer.encode(text)
      for (const id of ids) expect(Number.isInteger(id) && id >= 0 && id < tokenizer.vocabSize).toBe(true)
      // Not yet the first time: lower case may make what ftfy would repair, in open_clip as here.
      const repaired = tokenizer.encode(tokenizer.decode(ids))
      const decoded = tokenizer.decode(repaired)
      const again = tokenizer.encode(decoded)
      expect(tokenizer.decode(again), JSON.stringify(text)).toBe(decoded)
    })
  },
  fuzzTimeout,
)
