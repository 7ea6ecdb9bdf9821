import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Clip } from '../../lib/clip/clip.js'
import { predict } from '../../lib/eval/predict.js'
import { similarity } from '../../lib/eval/similarity.js'
import { captionList, temporaryFolder } from '../train/pictures.js'
import { MODEL } from '../train/runs.js'

const folder = temporaryFolder()
const model = join(folder, 'model')
const images = [0, 1].map((i) => join(folder, 'val', `${i}.png`))
const texts = ['red', 'green circle', 'sky']
let clip: Clip
beforeAll(async () => {
  await captionList(folder, 'val', 2)
  clip = await Clip.create(MODEL, { threads: 1, seed: 3 })
  await clip.save(model)
})
afterAll(() => clip.dispose())

describe('similarity', () => {
  test('is the products of the features, times the scale', () => {
    const a = { shape: [2, 2], data: Float32Array.of(1, 2, 3, 4) }
    const b = { shape: [3, 2], data: Float32Array.of(1, 0, 0, 1, -1, 2) }
    expect(similarity(a, b)).toEqual({ shape: [2, 3], data: Float32Array.of(1, 2, 3, 3, 4, 5) })
    expect(similarity(a, b, 10).data).toEqual(Float32Array.of(10, 20, 30, 30, 40, 50))
  })

  test.each([
    ['widths that differ', { shape: [1, 3], data: new Float32Array(3) }, 1, /one width, got 2 and 3/],
    ['no matrix', { shape: [2], data: new Float32Array(2) }, 1, /texts must have the shape \[m, embed_dim\]/],
    ['a scale that is none', { shape: [1, 2], data: new Float32Array(2) }, Number.NaN, /logitScale, got NaN/],
  ])('refuses %s', (_, b, scale, message) => {
    const a = { shape: [1, 2], data: new Float32Array(2) }
    expect(() => similarity(a, b, scale)).toThrow(message)
  })

  test('of features of length 1 is a cosine, and by the scale the logits', async () => {
    const [a, b] = [await clip.encodeImages(images), await clip.encodeTexts(texts)]
    const cosines = similarity(a, b)
    expect(cosines.shape).toEqual([2, 3])
    for (const x of cosines.data) expect(Math.abs(x)).toBeLessThanOrEqual(1 + 1e-6)
    const scale = await clip.logitScale()
    expect(scale).toBeCloseTo(1 / 0.07, 4)
    for (const [i, x] of similarity(a, b, scale).data.entries()) expect(x).toBeCloseTo(scale * cosines.data[i]!, 4)
  })
})

describe('predict', () => {
  test('gives the softmax of the logits, most probable first, with similarities', async () => {
    const [a, b] = [await clip.encodeImages(images), await clip.encodeTexts(texts)]
    const logits = similarity(a, b, await clip.logitScale()).data
    const all = await predict(clip, { images, texts })
    expect(all.map(({ image }) => image)).toEqual(images)
    for (const [i, { results }] of all.entries()) {
      const weights = Array.from(logits.subarray(i * 3, i * 3 + 3), Math.exp)
      const total = weights.reduce((x, y) => x + y)
      const expected = texts.map((text, j) => ({ text, p: weights[j]! / total, s: similarity(a, b).data[i * 3 + j]! }))
      expected.sort((x, y) => y.p - x.p)
      expect(results.map(({ text }) => text)).toEqual(expected.map(({ text }) => text))
      for (const [j, { probability, similarity: cosine }] of results.entries()) {
        expect(probability).toBeCloseTo(expected[j]!.p, 5)
        expect(cosine).toBeCloseTo(expected[j]!.s, 6)
      }
    }
  })

  test('tells the first k of all texts', async () => {
    const whole = await predict(clip, { images, texts })
    const first = await predict(clip, { images, texts, topK: 2 })
    expect(first).toEqual(whole.map(({ image, results }) => ({ image, results: results.slice(0, 2) })))
  })

  test('names each picture by what was given, and loads a model by its path', async () => {
    const url = pathToFileURL(images[1]!)
    const [byUrl] = await predict(model, { images: [url], texts, load: { threads: 1 } })
    expect(byUrl!.image).toBe(url)
    await using loaded = await Clip.load(model, { threads: 1, trainable: false })
    expect(byUrl!.results).toEqual((await predict(loaded, { images: [images[1]!], texts }))[0]!.results)
  })

  test.each([
    [{ images: [], texts }, /option "images": expected at least one picture/],
    [{ images, texts: [] }, /option "texts": expected at least one text/],
    [{ images, texts, topK: 0 }, /option "topK"/],
    [{ images: [3 as unknown as string], texts }, /images\[0\]: expected a path/],
  ])('refuses %j', async (options, message) => {
    await expect(predict(clip, options)).rejects.toMatchObject({
      code: 'ERR_INVALID_ARGUMENT',
      message: expect.stringMatching(message),
    })
  })
})
