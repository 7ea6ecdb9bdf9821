import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { trainingBatches } from '../../lib/data/loader.js'
import { openAll } from '../../lib/data/open-all.js'
import { epochOrder } from '../../lib/data/sampler.js'
import { samplesOf } from './samples.js'
import { pairs, shardFolder, writeShard } from './shards/shards.js'

const folder = shardFolder()
const list = join(folder, 'list.json')
const shards = join(folder, 'b-{0..1}.tar')
beforeAll(async () => {
  writeFileSync(list, JSON.stringify(Array.from({ length: 12 }, (_, i) => ({ image: `${i}.png`, caption: `l${i}` }))))
  for (let i = 0; i < 2; i++) writeShard(join(folder, `b-${i}.tar`), await pairs(3 * i, 3))
})
const open = (weights?: number[], resampled = false) => openAll([list, shards], {}, { weights, resampled })
const indices = (samples: readonly { index: number }[]) => samples.map(({ index }) => index)
const sorted = (numbers: number[]) => [...numbers].sort((a, b) => a - b)

describe('several sources', () => {
  it('are one whose epochs have each sample once', async () => {
    const source = await open()
    expect(source.size).toBe(18)
    for (const epoch of [0, 1])
      expect(sorted(indices(await samplesOf(source, { epoch })))).toEqual(Array.from({ length: 18 }, (_, i) => i))
    expect(indices(await samplesOf(source))).not.toEqual(indices(await samplesOf(source, { epoch: 1 })))
    expect((await source.sample(12)).captions).toEqual(['caption 0'])
    expect((await source.sample(11)).captions).toEqual(['l11'])
    // By the part that a sample is of, where its reader finds it.
    expect([11, 12, 17].map((index) => source.nameOf(index))).toEqual([
      `entry 12 of ${list}`,
      `pair 000000 of ${join(folder, 'b-0.tar')}`,
      `pair 000005 of ${join(folder, 'b-1.tar')}`,
    ])
    const { captions, imageOfCaption } = await source.retrieval()
    expect(captions).toHaveLength(18)
    expect([...imageOfCaption].flat()).toEqual(Array.from({ length: 18 }, (_, i) => i))
  })

  it('are refused when one is named twice, unless weights say how much it counts', async () => {
    const again = `${folder}/./list.json`
    await expect(openAll([list, shards, again], {})).rejects.toMatchObject({
      code: 'ERR_DATA',
      message: expect.stringMatching(/option "data" names .*\/\.\/list\.json twice, .* with option "dataWeights"/),
    })
    await expect(openAll([list, list], {}, { resampled: true })).rejects.toMatchObject({ code: 'ERR_DATA' })
    expect((await openAll([list, list], {}, { weights: [1, 1] })).size).toBe(24)
  })

  it('have the part of an epoch that their weights say, and lose and double nothing over passes', async () => {
    const source = await open([1, 2])
    const seen: number[] = []
    for (let epoch = 0; epoch < 4; epoch++) {
      const own = indices(await samplesOf(source, { epoch }))
      expect(own.filter((index) => index < 12)).toHaveLength(6)
      seen.push(...own)
    }
    const times = Array.from({ length: 18 }, (_, index) => seen.filter((one) => one === index).length)
    expect(times).toEqual([...Array(12).fill(2), ...Array(6).fill(8)])
  })

  it('draw captions and augmentation anew where a sample comes again within an epoch', async () => {
    const samples = (await samplesOf(await open([1, 2]))).filter(({ index }) => index === 12)
    expect(samples.length).toBeGreaterThan(1)
    expect(new Set(samples.map(({ draws }) => JSON.stringify(draws))).size).toBe(samples.length)
  })

  it.each([
    ['without weights', undefined, false],
    ['with weights', [1, 2], false],
    ['with replacement', [1, 2], true],
  ])('go on from any position: %s', async (_, weights, resampled) => {
    const source = await open(weights, resampled)
    for (const epoch of [0, 3]) {
      const whole = (await samplesOf(source, { seed: 5, epoch })).map(({ image: _, ...rest }) => rest)
      for (const from of [1, 7, 17])
        expect((await samplesOf(source, { seed: 5, epoch, from })).map(({ image: _, ...rest }) => rest)).toEqual(
          whole.slice(from),
        )
    }
  })

  it('are another set with other weights, or in another order', async () => {
    const all = await Promise.all([
      open(),
      open([1, 2]),
      open([3, 1]),
      open(undefined, true),
      openAll([shards, list], {}),
      openAll(list, {}),
    ])
    expect(new Set(await Promise.all(all.map((source) => source.identity()))).size).toBe(all.length)
  })

  it('keep the loader going through passes that end within an epoch', async () => {
    const o = {
      source: await open([1, 5]),
      batchSize: 4,
      size: 1,
      seed: 0,
      epochs: 2,
      decode: async () => new Uint8Array(3),
    }
    const batches = []
    for await (const { indices } of trainingBatches(o)) batches.push([...indices])
    expect(batches).toHaveLength(8)
    const resumed = []
    for await (const { indices } of trainingBatches({ ...o, start: { epoch: 1, position: 8 } }))
      resumed.push([...indices])
    expect(resumed).toEqual(batches.slice(6))
  })

  it('need a weight each', async () => {
    await expect(open([1])).rejects.toMatchObject({
      code: 'ERR_INVALID_ARGUMENT',
      message: 'option "dataWeights": expected a weight for each of 2 sources in option "data", got 1.',
    })
  })
})

describe('one source', () => {
  it('keeps the order that it has alone', async () => {
    expect(indices(await samplesOf(await openAll([list], {}), { seed: 9 }))).toEqual([...epochOrder(12, 9, 0)])
  })

  it('drawn with replacement gives each sample as often as chance has it', async () => {
    const source = await openAll(list, {}, { resampled: true })
    const counts = new Array(12).fill(0)
    for (let epoch = 0; epoch < 500; epoch++)
      for (const index of indices(await samplesOf(source, { epoch }))) counts[index]++
    // 6000 draws: 500 each, of standard deviation 21.
    for (const count of counts) expect(Math.abs(count - 500)).toBeLessThan(110)
    const first = indices(await samplesOf(source))
    expect(first).toHaveLength(12)
    expect(new Set(first).size).toBeLessThan(12)
  })
})
