import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Clip } from '../../../lib/clip/clip.js'
import { linearProbe } from '../../../lib/eval/probe/linear-probe.js'
import { fitLogistic, predictClasses } from '../../../lib/eval/probe/logistic.js'
import { temporaryFolder } from '../../train/pictures.js'
import { LIGHT } from '../../train/runs.js'
import { classFolders } from '../zero-shot/folders.js'
import { clouds } from './clouds.js'

const folder = temporaryFolder()
let clip: Clip
beforeAll(async () => {
  clip = await Clip.create(LIGHT, { threads: 1, seed: 3 })
})
afterAll(() => clip.dispose())

/** Rows from one to another. */
function part({ features, labels }: ReturnType<typeof clouds>, from: number, to: number) {
  const d = features.shape[1]!
  const data = features.data.slice(from * d, to * d)
  return { features: { shape: [to - from, d], data }, labels: labels.slice(from, to) }
}

describe('linearProbe', () => {
  const all = clouds(300, 6, 4, 2.5)
  const [train, val, testing] = [part(all, 0, 120), part(all, 120, 200), part(all, 200, 300)]

  test('chooses the regularisation that is best on the validation data', async () => {
    const r = await linearProbe(train, val)
    expect(r.on).toBe('val')
    expect(r.images).toEqual({ train: 120, val: 80 })
    expect(r.top1).toBe(Math.max(...r.tried.map(({ top1 }) => top1)))
    expect(r.tried.find(({ l2 }) => l2 === r.l2)!.top1).toBe(r.top1)
    expect(new Set(r.tried.map(({ top1 }) => top1)).size).toBeGreaterThan(1) // or there would be nothing to choose
    const { model } = await fitLogistic(train, 4, r.l2, { maxIterations: 1000, tolerance: 1e-8 })
    const found = predictClasses(val.features, model)
    expect(r.top1).toBeCloseTo((100 * found.filter((c, i) => c === val.labels[i]).length) / 80, 0)
    expect(r.classes).toEqual(['0', '1', '2', '3'])
    expect([r.weights.shape, r.bias.shape]).toEqual([[4, 6], [4]])
    const own = { weights: Float64Array.from(r.weights.data), bias: Float64Array.from(r.bias.data) }
    expect(predictClasses(val.features, own).filter((c, i) => c === val.labels[i])).toHaveLength((80 * r.top1) / 100)
  })

  test('with test data learns from training and validation data, and measures on those', async () => {
    const r = await linearProbe(train, val, { test: testing, l2: 3 })
    expect(r).toMatchObject({ on: 'test', l2: 3, tried: [], images: { train: 120, val: 80, test: 100 } })
    const { model } = await fitLogistic(part(all, 0, 200), 4, 3, { maxIterations: 1000, tolerance: 1e-8 })
    const found = predictClasses(testing.features, model)
    expect(r.top1).toBeCloseTo((100 * found.filter((c, i) => c === testing.labels[i]).length) / 100, 0)
    const closer = await linearProbe(train, val, { test: testing, l2: 3, tolerance: 1e-8 })
    for (const [i, w] of closer.weights.data.entries()) expect(w).toBeCloseTo(model.weights[i]!, 4)
  })

  test('learns from few shots of each class, drawn by the seed', async () => {
    const few = await linearProbe(train, val, { shots: [1, 4, 16], seed: 2, l2: 1 })
    expect(few.fewShot!.map(({ shots }) => shots)).toEqual([1, 4, 16])
    expect(few.top1).toBe((await linearProbe(train, val, { l2: 1 })).top1)
    const alone = await linearProbe(train, val, { shots: 4, seed: 2, l2: 1 })
    expect(alone.top1).toBe(few.fewShot![1]!.top1)
    expect(alone.images.train).toBe(16)
    expect((await linearProbe(train, val, { shots: 4, seed: 2, l2: 1 })).weights).toEqual(alone.weights)
    expect((await linearProbe(train, val, { shots: 4, seed: 3, l2: 1 })).weights).not.toEqual(alone.weights)
  })

  test('encodes folders of pictures with the model', async () => {
    const hues = { red: 0, green: 120, blue: 240 }
    const [a, b] = [await classFolders(join(folder, 'a'), hues, 6), await classFolders(join(folder, 'b'), hues, 3)]
    const r = await linearProbe(a, b, { model: clip, l2: 0.1, batchSize: 7 })
    expect(r).toMatchObject({ classes: ['blue', 'green', 'red'], images: { train: 18, val: 9 } })
    const features = async (root: string, count: number) => {
      const paths = r.classes.flatMap((name) => Array.from({ length: count }, (_, i) => join(root, name, `${i}.png`)))
      const labels = r.classes.flatMap((name) => Array.from({ length: count }, () => name))
      // In the same batches: products of other numbers of rows may add in another order.
      const parts: Float32Array[] = []
      for (let i = 0; i < paths.length; i += 7) {
        parts.push((await clip.encodeImages(paths.slice(i, i + 7), { normalize: false })).data)
      }
      const data = Float32Array.from(parts.flatMap((part) => [...part]))
      return { features: { shape: [paths.length, data.length / paths.length], data }, labels }
    }
    const given = await linearProbe(await features(a, 6), await features(b, 3), { l2: 0.1 })
    expect(given).toEqual(r)
    expect((await linearProbe(a, b, { model: clip, l2: 0.1, normalize: true })).weights).not.toEqual(r.weights)
    await expect(linearProbe(a, b)).rejects.toThrow(/option "model": expected a Clip/)
  })

  const one = { features: { shape: [2, 2], data: Float32Array.of(1, 2, 3, 4) }, labels: [0, 1] }
  test.each([
    [{ ...one, labels: ['a', 'b'] }, { ...one, labels: ['a', 'c'] }, {}, 'ERR_DATA', /val has classes .* not: c/],
    [{ ...one, labels: [1, 1] }, { ...one, labels: [1, 1] }, {}, 'ERR_INVALID_ARGUMENT', /at least two classes/],
    [{ ...one, labels: [1] }, one, {}, 'ERR_INVALID_ARGUMENT', /train\.labels: expected 2 of them/],
    [
      one,
      { ...one, features: { shape: [2, 1], data: new Float32Array(2) } },
      {},
      'ERR_INVALID_ARGUMENT',
      /val has features of 1/,
    ],
    [one, {}, {}, 'ERR_INVALID_ARGUMENT', /val: expected a folder's path, or \{ features, labels \}/],
    [one, one, { shots: 2 }, 'ERR_DATA', /0, 1 have fewer than 2 pictures/],
    [one, one, { shots: 0 }, 'ERR_INVALID_ARGUMENT', /option "shots": expected/],
    [one, one, { l1: 1 }, 'ERR_INVALID_ARGUMENT', /did you mean "l2"/],
  ])('refuses %j and %j with %j', async (a, b, options, code, message) => {
    const probed = linearProbe(a as typeof one, b as typeof one, options as object)
    await expect(probed).rejects.toMatchObject({ code, message: expect.stringMatching(message) })
  })

  test('stops at an abort with its reason', async () => {
    const reason = new Error('enough')
    await expect(linearProbe(train, val, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
  })
})
