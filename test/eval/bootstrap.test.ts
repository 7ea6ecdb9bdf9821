import { describe, expect, it } from 'vitest'
import { bootstrapRecall } from '../../lib/eval/bootstrap.js'
import { type RecallTable, recallTable } from '../../lib/eval/metrics.js'
import { protocolWarning } from '../../lib/eval/protocol.js'
import { checkRelevance } from '../../lib/eval/relevance.js'
import { evaluateRetrieval } from '../../lib/eval/retrieval.js'

/** `images` pictures with `each` captions; of each picture the first share is found, all of its captions alike. */
function ranksOf(images: number, each: number, found: number) {
  const owners = Int32Array.from({ length: images * each }, (_, j) => Math.floor(j / each))
  const rank = (image: number) => (image < found ? 0 : 99)
  return {
    relevance: checkRelevance(owners, images, images * each),
    ranks: {
      ofImage: Int32Array.from({ length: images }, (_, i) => rank(i)),
      ofCaption: owners.map(rank),
    },
  }
}

describe('bootstrapRecall', () => {
  it('has the width that the normal approximation of a share gives, over pictures, not captions', async () => {
    const { ranks, relevance } = ranksOf(400, 5, 120)
    const interval = await bootstrapRecall(ranks, relevance, { samples: 2000, seed: 3 })
    // 30 % of 400 pictures: 1.96 · √(0.3 · 0.7 / 400) = 4.49 points to either side.
    for (const key of ['txt_r1', 'img_r1', 'img_r10', 'r_mean'] as const) {
      const [low, high] = interval[key]
      // The steps are a quarter of a point; bounds of 90 % would lie 3.77 to either side.
      expect(Math.abs(low - (30 - 4.49))).toBeLessThan(0.5)
      expect(Math.abs(high - (30 + 4.49))).toBeLessThan(0.5)
    }
  })

  it('is a point where every picture fares alike', async () => {
    const { ranks, relevance } = ranksOf(50, 2, 50)
    const interval = await bootstrapRecall(ranks, relevance, { samples: 50, seed: 0 })
    for (const bounds of Object.values(interval)) expect(bounds).toEqual([100, 100])
  })

  it('is a function of its seed', async () => {
    const { ranks, relevance } = ranksOf(60, 3, 20)
    const run = (seed: number) => bootstrapRecall(ranks, relevance, { samples: 100, seed })
    expect(await run(1)).toEqual(await run(1))
    expect(await run(2)).not.toEqual(await run(1))
  })

  it('leaves pictures without captions out, and holds the measured value between its bounds', async () => {
    const { ranks, relevance } = ranksOf(60, 3, 20)
    const more = { ...ranks, ofImage: Int32Array.from([...ranks.ofImage, ...Array(60).fill(-1)]) }
    const interval = await bootstrapRecall(more, relevance, { samples: 400, seed: 0 })
    const table = recallTable(more)
    expect(table.txt_r1).toBeCloseTo(100 / 3, 10)
    for (const [key, [low, high]] of Object.entries(interval)) {
      expect(low).toBeLessThan(table[key as keyof RecallTable])
      expect(high).toBeGreaterThan(table[key as keyof RecallTable])
    }
  })

  it('has numbers, too, for sets in which no picture has a caption', async () => {
    const { ranks, relevance } = ranksOf(1, 1, 1)
    const more = { ...ranks, ofImage: Int32Array.of(0, -1, -1) }
    expect((await bootstrapRecall(more, relevance, { samples: 200, seed: 0 })).txt_r1).toEqual([0, 100])
  })

  it('lies between drawn values as NumPy’s percentiles do', async () => {
    const { ranks, relevance } = ranksOf(10, 1, 5)
    const of = async (samples: number) => (await bootstrapRecall(ranks, relevance, { samples, seed: 1 })).txt_r1
    // Of two values, both tens of percent, the interval spans 95 % of what is between.
    const [low, high] = await of(2)
    const between = (high - low) / 0.95
    expect(between).toBeGreaterThan(5)
    expect(between / 10).toBeCloseTo(Math.round(between / 10), 9)
    expect((low - 0.025 * between) / 10).toBeCloseTo(Math.round(low / 10), 9)
    const [one, same] = await of(1)
    expect(one).toBeGreaterThanOrEqual(0)
    expect(one).toBe(same)
  })

  it('counts a caption of several pictures with the first of them', async () => {
    const { ranks } = ranksOf(30, 1, 10)
    const run = (owners: number[][]) => bootstrapRecall(ranks, checkRelevance(owners, 30, 30), { samples: 50, seed: 0 })
    const first = Array.from({ length: 30 }, (_, i) => [i])
    expect(await run(first.map(([i]) => [i!, (i! + 7) % 30]))).toEqual(await run(first))
  })
})

describe('evaluateRetrieval', () => {
  const o = () => ({
    imageFeatures: { shape: [3, 2], data: Float32Array.of(1, 0, 0, 1, 1, 1) },
    textFeatures: { shape: [3, 2], data: Float32Array.of(1, 0, 0, 1, 0, 2) },
    imageOfCaption: Int32Array.of(0, 1, 2),
  })

  it('gives intervals when it is asked for them', async () => {
    expect((await evaluateRetrieval(o())).interval).toBeUndefined()
    const { interval } = await evaluateRetrieval({ ...o(), bootstrap: { samples: 20 } })
    expect(interval?.txt_r10).toEqual([100, 100])
    expect(interval?.img_r1[0]).toBeLessThan(interval!.img_r1[1])
  })

  it.each([{ samples: 0 }, { seed: -1 }, { smaples: 3 }])('refuses %j', async (bootstrap) => {
    await expect(evaluateRetrieval({ ...o(), bootstrap } as never)).rejects.toMatchObject({
      code: 'ERR_INVALID_ARGUMENT',
      message: expect.stringContaining('bootstrap'),
    })
  })
})

describe('protocolWarning', () => {
  it('is there when captions a picture are not what the protocol expects', () => {
    expect(protocolWarning('flickr', [5, 5, 5], 'val.json')).toBeUndefined()
    expect(protocolWarning('flickr', [1, 5, 1], 'val.json')).toMatch(/expects 5 .* 2 of 3 pictures of val\.json.*2\.33/)
    expect(protocolWarning('flickr', [5, 6], 'val.json')).toMatch(/1 of 2 pictures/)
    for (const name of ['any', 'muge'] as const) expect(protocolWarning(name, [1], 'val.json')).toBeUndefined()
  })
})
