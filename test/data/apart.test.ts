import { describe, expect, it } from 'vitest'
import { keepApart } from '../../lib/data/apart.js'
import { epochOrder } from '../../lib/data/sampler.js'

/** How many samples come in a batch after another of their group. */
function together(order: Int32Array, groups: Int32Array, batchSize: number): number {
  let count = 0
  for (let first = 0; first < order.length; first += batchSize) {
    const batch = [...order.subarray(first, first + batchSize)].map((sample) => groups[sample])
    count += batch.length - new Set(batch).size
  }
  return count
}
const sorted = (order: Int32Array) => [...order].sort((a, b) => a - b)

describe('keepApart', () => {
  it.each([
    ['pairs', 100, 10, (i: number) => i >> 1],
    ['a batch short at the end', 103, 10, (i: number) => i % 60],
    ['groups that are in most batches', 64, 8, (i: number) => (i < 48 ? i % 8 : i)],
    ['one group among many samples', 200, 16, (i: number) => (i < 12 ? 0 : i)],
  ])('leaves no group twice in a batch: %s', (_, count, batchSize, groupOf) => {
    const groups = Int32Array.from({ length: count }, (_, i) => groupOf(i))
    let before = 0
    for (let seed = 0; seed < 20; seed++) {
      const order = epochOrder(count, seed, 0)
      before += together(order, groups, batchSize)
      const apart = keepApart(order, { groups, batchSize })
      expect(sorted(apart)).toEqual(sorted(order))
      expect(together(apart, groups, batchSize), `seed ${seed}`).toBe(0)
    }
    expect(before).toBeGreaterThan(20)
  })

  it('leaves together only what has no other place', () => {
    // 15 of 20 samples are of one group: of its 15, five batches take one each.
    const groups = Int32Array.from({ length: 20 }, (_, i) => (i < 15 ? 0 : i))
    const apart = keepApart(epochOrder(20, 1, 0), { groups, batchSize: 4 })
    expect(sorted(apart)).toEqual(Array.from({ length: 20 }, (_, i) => i))
    expect(together(apart, groups, 4)).toBe(10)
  })

  it('changes nothing where nothing is together, and little elsewhere', () => {
    const order = epochOrder(1000, 4, 2)
    const alone = Int32Array.from({ length: 1000 }, (_, i) => i)
    expect(keepApart(order, { groups: alone, batchSize: 16 })).toEqual(order)
    const groups = Int32Array.from(alone, (i) => (i < 100 ? i >> 1 : i))
    const moved = keepApart(order, { groups, batchSize: 16 }).filter((sample, i) => sample !== order[i])
    expect(moved.length).toBeLessThanOrEqual(2 * together(order, groups, 16))
  })
})
