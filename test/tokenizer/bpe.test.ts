import { describe, expect, it } from 'vitest'
import { BytePairEncoder } from '../../lib/tokenizer/bpe.js'

const MERGES = ['a b', 'ab c</w>', 'b c', 'a a', 'aa aa', 'aa a</w>', 'ab ab']
const encoder = new BytePairEncoder(Buffer.from(`#version\n${MERGES.join('\n')}\n`), MERGES.length)
const symbols = (word: string) => encoder.encodeWord(Buffer.from(word)).map((id) => encoder.symbolOf(id))

/** The definition: of all adjacent pairs the one of lowest rank, merged wherever it occurs, until none is left. */
function byRescanning(word: string): string[] {
  let parts = [...word]
  parts[parts.length - 1] += '</w>'
  for (;;) {
    const rank = (i: number) => MERGES.indexOf(`${parts[i]} ${parts[i + 1]}`)
    const ranks = parts
      .slice(1)
      .map((_, i) => rank(i))
      .filter((r) => r >= 0)
    if (ranks.length === 0) return parts
    const best = Math.min(...ranks)
    const merged: string[] = []
    for (let i = 0; i < parts.length; i++) {
      if (rank(i) === best) merged.push(parts[i]! + parts[++i]!)
      else merged.push(parts[i]!)
    }
    parts = merged
  }
}

describe('BytePairEncoder', () => {
  it('merges the lowest rank first, from the left', () => {
    expect(symbols('abc')).toEqual(['abc</w>'])
    expect(symbols('aaa')).toEqual(['aaa</w>'])
    expect(symbols('ababb')).toEqual(['abab', 'b</w>'])
    expect(symbols('a')).toEqual(['a</w>'])
  })

  it('equals rescanning on every word of up to 8 letters from {a, b, c}', () => {
    for (let length = 1; length <= 8; length++) {
      for (let n = 0; n < 3 ** length; n++) {
        const word = Array.from({ length }, (_, i) => 'abc'[Math.floor(n / 3 ** i) % 3]).join('')
        expect(symbols(word), word).toEqual(byRescanning(word))
      }
    }
  })

  it.each([
    ['too few lines', '#version\na b\n', 2],
    ['a symbol nobody made', '#version\nab c\n', 1],
    ['a line without a space', '#version\nab\nc d\n', 1],
  ])('refuses %s', (_, merges, count) => {
    expect(() => new BytePairEncoder(Buffer.from(merges), count)).toThrow(
      expect.objectContaining({ code: 'ERR_FORMAT' }),
    )
  })
})
