import { describe, expect, it } from 'vitest'
import { captionOf, epochOrder } from '../../lib/data/sampler.js'

describe('epochOrder', () => {
  it('draws every order equally often', () => {
    const draws = 12_000
    const seen = new Map<string, number>()
    for (let i = 0; i < draws; i++) {
      const order = epochOrder(3, i % 100, Math.floor(i / 100)).join('')
      seen.set(order, (seen.get(order) ?? 0) + 1)
    }
    expect([...seen.keys()].sort()).toEqual(['012', '021', '102', '120', '201', '210'])
    // Three standard deviations; a shuffle that exchanges with any place would be five off.
    for (const [order, count] of seen) expect(Math.abs(count / draws - 1 / 6), order).toBeLessThan(0.0103)
  })

  it('differs from epoch to epoch and from seed to seed', () => {
    expect(epochOrder(50, 1, 0)).toEqual(epochOrder(50, 1, 0))
    expect(epochOrder(50, 1, 1)).not.toEqual(epochOrder(50, 1, 0))
    expect(epochOrder(50, 2, 0)).not.toEqual(epochOrder(50, 1, 0))
    expect([...epochOrder(1, 1, 0)]).toEqual([0])
  })
})

describe('captionOf', () => {
  const captions = ['a', 'b', 'c']
  const shares = (drawn: string[]) => captions.map((c) => drawn.filter((d) => d === c).length / drawn.length)

  it.each([
    ['over the epochs of one picture', (i: number) => captionOf(captions, 3, i, 7)],
    ['over the pictures of one epoch', (i: number) => captionOf(captions, 3, 2, i)],
    ['over seeds', (i: number) => captionOf(captions, i, 2, 7)],
  ])('takes each of them equally often %s', (_, draw) => {
    for (const share of shares(Array.from({ length: 3000 }, (_, i) => draw(i)))) expect(share).toBeCloseTo(1 / 3, 1)
  })

  it('takes the only one', () => {
    expect(captionOf(['a'], 1, 2, 3)).toBe('a')
  })
})
