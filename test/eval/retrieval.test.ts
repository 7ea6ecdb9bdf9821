import { monitorEventLoopDelay } from 'node:perf_hooks'
import { describe, expect, it } from 'vitest'
import { retrievalMetrics } from '../../lib/eval/metrics.js'
import { evaluateRetrieval, type RetrievalOptions } from '../../lib/eval/retrieval.js'
import { answerOf, program } from '../programs/program.js'

/** a [n, dim] · bᵀ [m, dim] → [n, m] */
function multiply(a: Float32Array, b: Float32Array, dim: number): Float32Array {
  const [n, m] = [a.length / dim, b.length / dim]
  const result = new Float32Array(n * m)
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < m; j++) {
      let sum = 0
      for (let k = 0; k < dim; k++) sum += a[i * dim + k]! * b[j * dim + k]!
      result[i * m + j] = sum
    }
  }
  return result
}

/** Captions near their image's features, on a coarse grid so that many scores tie. */
function made(images: number, captions: number, dim: number, { shuffled }: { shuffled: boolean }): RetrievalOptions {
  let state = 12345
  const random = (n: number) => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 1
    return (state >>> 8) % n
  }
  const imageFeatures = Float32Array.from({ length: images * dim }, () => random(5) - 2)
  const imageOfCaption = Int32Array.from({ length: captions }, (_, j) =>
    j < images ? j : shuffled ? random(images) : images - 1,
  )
  if (!shuffled) imageOfCaption.sort()
  const textFeatures = Float32Array.from({ length: captions * dim }, (_, at) => {
    const j = Math.floor(at / dim)
    return imageFeatures[imageOfCaption[j]! * dim + (at % dim)]! + random(7) - 3
  })
  return {
    imageFeatures: { shape: [images, dim], data: imageFeatures },
    textFeatures: { shape: [captions, dim], data: textFeatures },
    imageOfCaption,
  }
}

describe('evaluateRetrieval', () => {
  it.each([
    [1, 1, false],
    [7, 13, true],
    [257, 1025, true],
    [300, 2100, false],
    [520, 1500, true],
    [1030, 4200, true],
    [2050, 4100, false],
  ])('equals the whole matrix for %i images and %i captions (shuffled: %s)', async (images, captions, shuffled) => {
    const dim = 5
    const o = made(images, captions, dim, { shuffled })
    const result = await evaluateRetrieval(o)
    const similarity = multiply(o.imageFeatures.data, o.textFeatures.data, dim)
    expect(result).toMatchObject(retrievalMetrics({ shape: [images, captions], data: similarity }, o.imageOfCaption))

    // The definition, by columns that are looked up one by one.
    const rankOf = (others: number, score: (other: number) => number, right: (other: number) => boolean) => {
      let best = -1
      for (let i = 0; i < others; i++) if (right(i) && (best < 0 || score(i) >= score(best))) best = i
      let rank = 1
      for (let i = 0; i < others; i++) if (score(i) > score(best) || (score(i) === score(best) && i > best)) rank++
      return rank
    }
    const at = (i: number, j: number) => similarity[i * captions + j]!
    const owner = o.imageOfCaption as Int32Array
    const txt = Array.from({ length: images }, (_, i) =>
      rankOf(
        captions,
        (j) => at(i, j),
        (j) => owner[j] === i,
      ),
    ).sort((x, y) => x - y)
    expect(result.txt_mean_rank).toBeCloseTo(txt.reduce((x, y) => x + y) / images, 9)
    expect(result.txt_median_rank).toBe(Math.floor((txt[(images - 1) >> 1]! + txt[images >> 1]!) / 2))
    const img = Array.from({ length: captions }, (_, j) =>
      rankOf(
        images,
        (i) => at(i, j),
        (i) => owner[j] === i,
      ),
    )
    expect(result.img_mean_rank).toBeCloseTo(img.reduce((x, y) => x + y) / captions, 9)
  })

  it('needs no more memory for 16 times as many pairs', async () => {
    // Features and ranks grow with the sum of the two; the whole matrix of the last would take 1.2 GiB.
    const sizes = [
      [1000, 5000],
      [2000, 10_000],
      [8000, 40_000],
    ]
    const extra = await answerOf<number[]>(program('retrieval-memory.mjs', [JSON.stringify(sizes)]))
    console.log(`memory above the features: ${extra.map((mib) => mib.toFixed(0)).join(', ')} MiB`)
    expect(extra).toHaveLength(3)
    expect(extra[2]!).toBeLessThan(150)
  })

  it('says what chance reaches', async () => {
    const { chance } = await evaluateRetrieval(made(50, 100, 4, { shuffled: false }))
    expect(chance.img_r1).toBeCloseTo(2, 12)
    expect(chance.img_r10).toBeCloseTo(20, 12)
    expect(chance.txt_r1).toBeCloseTo(2, 12)
  })

  it.each(['imageFeatures', 'textFeatures'] as const)('refuses %s that are given away meanwhile', async (name) => {
    const o = made(3000, 6000, 100, { shuffled: false })
    const result = evaluateRetrieval(o)
    structuredClone(o[name].data, { transfer: [o[name].data.buffer as ArrayBuffer] })
    await expect(result).rejects.toThrow(
      expect.objectContaining({
        code: 'ERR_INVALID_ARGUMENT',
        message: expect.stringContaining(`${name}: its buffer`),
      }),
    )
  })

  it('leaves the event loop free', async () => {
    const o = made(3000, 12_000, 64, { shuffled: false })
    const delay = monitorEventLoopDelay({ resolution: 1 })
    delay.enable()
    await evaluateRetrieval(o)
    delay.disable()
    // Three times the 20 ms that are promised: timing on a busy machine.
    expect(delay.percentile(99) / 1e6).toBeLessThan(60)
  })

  const features = (rows: number, dim: number) => ({ shape: [rows, dim], data: new Float32Array(rows * dim) })
  const nan = features(2, 3)
  nan.data[4] = Number.NaN
  it.each<[string, object, RegExp]>([
    ['NaN', { imageFeatures: nan }, /imageFeatures\[1, 1\] is NaN/],
    [
      'infinity',
      {
        textFeatures: { shape: [1, 3], data: Float32Array.of(0, 0, Infinity) },
        imageFeatures: features(1, 3),
        imageOfCaption: Int32Array.of(0),
      },
      /textFeatures\[0, 2\] is Infinity/,
    ],
    ['two widths', { textFeatures: features(2, 4) }, /one width, got 3 and 4/],
    ['a missing tensor', { textFeatures: undefined }, /textFeatures must be a tensor/],
    ['a wrong shape', { imageFeatures: { shape: [3, 3], data: new Float32Array(6) } }, /needs 9 values, got 6/],
    ['an image without caption', { imageOfCaption: Int32Array.of(0, 0) }, /Image 1 has no caption/],
    ['an unknown option', { imageOfCaptions: 1 }, /did you mean "imageOfCaption"/],
  ])('refuses %s', async (_, change, message) => {
    const o = {
      imageFeatures: features(2, 3),
      textFeatures: features(2, 3),
      imageOfCaption: Int32Array.of(0, 1),
      ...change,
    }
    const call = evaluateRetrieval(o as RetrievalOptions)
    await expect(call).rejects.toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT' }))
    await expect(call).rejects.toThrow(message)
  })

  it('says what it needs when it gets nothing, and which name is wrong', async () => {
    await expect(evaluateRetrieval({} as never)).rejects.toThrow(/imageFeatures must be a tensor.*got nothing/)
    await expect(evaluateRetrieval({ imageFeature: 1 } as never)).rejects.toThrow('did you mean "imageFeatures"')
  })
})
