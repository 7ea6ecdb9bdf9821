import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { preCaption } from '../../lib/tokenizer/pre-caption.js'

const { cases } = JSON.parse(readFileSync(new URL('../goldens/tokens/pre_caption.json', import.meta.url), 'utf8')) as {
  cases: { text: string; result: string }[]
}

describe('preCaption', () => {
  it.each(cases.map((c, i) => [i, c] as const))('golden %i', (_, { text, result }) => {
    expect(preCaption(text)).toBe(result)
  })

  it('keeps as many words as it is told', () => {
    expect(preCaption('One, two - three.', 2)).toBe('one two')
    expect(preCaption('One, two - three.', 3)).toBe('one two three')
  })

  it('strips spaces and line feeds alone, as Python’s strip(" ") does', () => {
    expect(preCaption('\ta cat\t')).toBe('\ta cat\t')
    expect(preCaption(' a cat\n')).toBe('a cat')
  })

  it.each([0, -1, 1.5, Number.NaN, '7'])('refuses maxWords %s', (maxWords) => {
    expect(() => preCaption('a', maxWords as number)).toThrow(
      expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT', message: expect.stringContaining('maxWords') }),
    )
  })

  it('refuses what is not a string', () => {
    expect(() => preCaption(undefined as unknown as string)).toThrow(
      expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT' }),
    )
  })

  it('takes a million spaces and newlines in linear time', () => {
    const began = performance.now()
    expect(preCaption(`a${'\n'.repeat(500_000)}b${' \n'.repeat(500_000)}c`)).toBe('a b c')
    expect(performance.now() - began).toBeLessThan(10_000)
  })
})
