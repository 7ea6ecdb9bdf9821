import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { isBad } from '../../../lib/tokenizer/ftfy/badness.js'
import { fixEncoding } from '../../../lib/tokenizer/ftfy/fix-encoding.js'
import { fixText } from '../../../lib/tokenizer/ftfy/fix-text.js'
import { decodeUtf8Variants } from '../../../lib/tokenizer/ftfy/utf8-variants.js'

const load = (name: string) =>
  JSON.parse(readFileSync(new URL(`../../goldens/tokens/${name}`, import.meta.url), 'utf8'))

describe('fixText against ftfy', () => {
  const repaired: { text: string; after_ftfy?: string }[] = load('clip.json').cases
  it.each(repaired.filter((c) => c.after_ftfy !== undefined))('repairs $text', ({ text, after_ftfy }) => {
    expect(fixText(text)).toBe(after_ftfy)
  })

  const random: { text: string; fixed: string }[] = load('clip-fuzz.json').cases
  it.each(random.map((c, i) => [i, c] as const))('string %i', (_, { text, fixed }) => {
    expect(fixText(text)).toBe(fixed)
  })
})

describe('fixText', () => {
  it('leaves good text alone', () => {
    for (const text of ['a dog & a cat', 'naïve façade', 'Привет, мир', '狗が走る', '🐶 à la carte']) {
      expect(fixText(text)).toBe(text)
    }
  })

  it('keeps entities from the first line on that has a literal <', () => {
    expect(fixText('&eacute;\n<i>\n&eacute;')).toBe('é\n<i>\n&eacute;')
  })

  it('repairs a line of more than a million code points in pieces', () => {
    const fixed = fixText(`${'🐶'.repeat(1_000_000)}cafÃ©`)
    expect(fixed.length).toBe(2_000_004)
    expect(fixed.endsWith('café')).toBe(true)
  })
})

describe('mojibake, as ftfy judges it', () => {
  const { bad, good, repaired } = load('mojibake.json') as {
    bad: string[]
    good: string[]
    repaired: [text: string, fixed: string][]
  }

  it.each(bad)('%j is bad', (text) => {
    expect(isBad(text)).toBe(true)
  })

  it.each(good)('%j is good', (text) => {
    expect(isBad(text)).toBe(false)
  })

  it.each(repaired)('%j becomes %j', (text, fixed) => {
    expect(fixEncoding(text)).toBe(fixed)
  })
})

describe('decodeUtf8Variants', () => {
  it('reads Java’s NUL and surrogates written as two sequences', () => {
    expect(decodeUtf8Variants('a\xc0\x80b')).toBe('a\0b')
    expect(decodeUtf8Variants('\xed\xa0\xbd\xed\xb0\xb6')).toBe('🐶')
    expect(decodeUtf8Variants('\xf0\x9f\x90\xb6 \xed\x95\x9c')).toBe('🐶 한')
  })

  it('refuses lone surrogates and cut sequences', () => {
    expect(['\xed\xa0\xbd', '\xc0', '\xc0\x81', '\xe2\x82'].map(decodeUtf8Variants)).toEqual(Array(4).fill(undefined))
  })
})
