import { describe, expect, test } from 'vitest'
import { limitAfter } from '../../lib/train/spike-rule.js'

const losses = (count: number, spread: number) => Array.from({ length: count }, (_, i) => 2 + spread * ((i % 5) - 2))

describe('a loss that has jumped is above', () => {
  test('nothing, while there are few to judge by', () => {
    expect(limitAfter(losses(31, 0.1), 4)).toBeUndefined()
    expect(limitAfter(losses(32, 0.1), 4)).toBeDefined()
  })

  test('ten deviations over the median, which a few wild losses do not move', () => {
    // Of 0, ±1, ±2 times the spread the median deviation is the spread.
    const expected = { limit: Math.fround(2 + 14.826 * 0.1), median: 2 }
    expect(limitAfter(losses(100, 0.1), 4)).toEqual({ limit: expect.closeTo(expected.limit, 6), median: 2 })
    const wild = losses(100, 0.1).map((loss, i) => (i % 20 === 2 ? 1e6 : loss))
    expect(limitAfter(wild, 4)!.limit).toBeCloseTo(expected.limit, 6)
  })

  test('a tenth of guessing, where losses hardly differ', () => {
    expect(limitAfter(losses(100, 0), 4)!.limit).toBeCloseTo(2.4, 6)
  })
})
