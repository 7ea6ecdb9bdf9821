import { describe, expect, it } from 'vitest'
import { Draws, philox, Stream } from '../../lib/base/random.js'

describe('philox', () => {
  // Known answers of Random123 (kat_vectors, philox4x32 10).
  it.each([
    [
      [0, 0, 0, 0],
      [0, 0],
      [0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8],
    ],
    [
      [0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff],
      [0xffffffff, 0xffffffff],
      [0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd],
    ],
    [
      [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344],
      [0xa4093822, 0x299f31d0],
      [0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1],
    ],
  ] as const)('gives the published answer for %j', (counter, key, expected) => {
    expect([...philox(counter, key)]).toEqual([...expected])
  })
})

describe('Draws', () => {
  it('are the same for the same place and differ for any other', () => {
    const first = (seed: number, stream: Stream, epoch: number, index: number) => {
      const draws = new Draws(seed, stream, epoch, index)
      return [draws.next(), draws.next(), draws.next(), draws.next(), draws.next()]
    }
    const here = first(7, Stream.order, 3, 5)
    expect(first(7, Stream.order, 3, 5)).toEqual(here)
    expect(new Set(here).size).toBe(5)
    for (const other of [first(8, Stream.order, 3, 5), first(7, Stream.caption, 3, 5), first(7, Stream.order, 4, 5)])
      expect(other).not.toEqual(here)
  })

  it('lie in (0, 1) and below the bound', () => {
    const draws = new Draws(1, Stream.augment, 0, 0)
    let sum = 0
    for (let i = 0; i < 4000; i++) {
      const x = draws.next()
      expect(x > 0 && x < 1).toBe(true)
      expect(draws.below(3)).toBeLessThan(3)
      sum += x
    }
    expect(Math.abs(sum / 4000 - 0.5)).toBeLessThan(0.03)
  })
})
