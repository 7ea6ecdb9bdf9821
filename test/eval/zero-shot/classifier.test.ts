import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Clip } from '../../../lib/clip/clip.js'
import { Classifier, zeroShotClassifier } from '../../../lib/eval/zero-shot/classifier.js'
import { fill, imagenetClassNames, templatesOf } from '../../../lib/eval/zero-shot/templates.js'
import { captionList, temporaryFolder } from '../../train/pictures.js'
import { LIGHT } from '../../train/runs.js'

const folder = temporaryFolder()
const images = [0, 1, 2].map((i) => join(folder, 'val', `${i}.png`))
const names = ['red', 'green circle', 'sky']
let clip: Clip
beforeAll(async () => {
  await captionList(folder, 'val', 3)
  clip = await Clip.create(LIGHT, { threads: 1, seed: 3 })
})
afterAll(() => clip.dispose())

describe('templates', () => {
  test('are those of open_clip', () => {
    expect(templatesOf('simple', 'x')).toHaveLength(7)
    const all = templatesOf('imagenet', 'x')
    expect(all).toHaveLength(80)
    expect([all[0], all[79], all[10]]).toEqual(['a bad photo of a {}.', 'a tattoo of the {}.', 'the embroidered {}.'])
    expect(templatesOf('simple', 'x')[0]).toBe('itap of a {}.')
    const classes = imagenetClassNames()
    expect(classes).toHaveLength(1000)
    expect([classes[0], classes[999]]).toEqual(['tench', 'toilet paper'])
  })

  test('take the name wherever they have a place for it, as it is', () => {
    expect(fill(['a {} and {c}', '{c}.'], '$& {}')).toEqual(['a $& {} and $& {}', '$& {}.'])
  })
})

describe('zeroShotClassifier', () => {
  test("has the mean of each class's normalised sentences, of length 1 again", async () => {
    const templates = ['a photo of a {}', 'art: {c}!']
    const classifier = await zeroShotClassifier(clip, names, { templates, batchSize: 4 })
    expect(classifier.classNames).toEqual(names)
    const d = LIGHT.embed_dim
    for (const [c, name] of names.entries()) {
      const { data } = await clip.encodeTexts([`a photo of a ${name}`, `art: ${name}!`], { normalize: false })
      const unit = [0, 1].map((row) => {
        const values = [...data.subarray(row * d, row * d + d)]
        return values.map((x) => x / Math.hypot(...values))
      })
      const mean = unit[0]!.map((x, k) => (x + unit[1]![k]!) / 2)
      const length = Math.hypot(...mean)
      expect(length).toBeLessThan(0.9999) // or the second normalisation would not matter
      for (let k = 0; k < d; k++) expect(classifier.weights.data[c * d + k]).toBeCloseTo(mean[k]! / length, 5)
    }
  })

  test('gives the softmax of the logits, most probable first', async () => {
    const classifier = await zeroShotClassifier(clip, names)
    const found = await classifier.classify(images, { topK: 2 })
    const { data } = await clip.encodeImages(images)
    const [scale, d] = [await clip.logitScale(), LIGHT.embed_dim]
    for (const [i, results] of found.entries()) {
      const weights = names.map((_, c) => {
        let dot = 0
        for (let k = 0; k < d; k++) dot += data[i * d + k]! * classifier.weights.data[c * d + k]!
        return Math.exp(scale * dot)
      })
      const total = weights.reduce((a, b) => a + b)
      const expected = names.map((label, c) => ({ label, probability: weights[c]! / total }))
      expected.sort((a, b) => b.probability - a.probability)
      expect(results.map(({ label }) => label)).toEqual(expected.slice(0, 2).map(({ label }) => label))
      for (const [j, { probability }] of results.entries()) expect(probability).toBeCloseTo(expected[j]!.probability, 5)
    }
    expect((await classifier.classify(images[1]!))[0]).toHaveLength(3)
  })

  test('has nothing to say of a picture that cannot be read', async () => {
    const classifier = await zeroShotClassifier(clip, names, { templates: ['{}'] })
    const bad: number[] = []
    const given = [images[0]!, Buffer.from('no picture'), images[2]!]
    const found = await classifier.classify(given, { onBadImage: ({ index }) => void bad.push(index) })
    expect(bad).toEqual([1])
    const alone = await classifier.classify([images[0]!, images[2]!])
    expect(found).toEqual([alone[0], [], alone[1]])
    await expect(classifier.classify(given)).rejects.toMatchObject({ code: 'ERR_IMAGE' })
  })

  test("takes ImageNet's own list, in which two names stand twice", async () => {
    const classifier = await zeroShotClassifier(clip, imagenetClassNames(), { templates: ['{}'] })
    expect(classifier.weights.shape).toEqual([1000, LIGHT.embed_dim])
  })

  test.each([
    [['a', 'b', 'a', 'b', 'c'], {}, /class names stand there more than once \(a, b\)/],
    [[], {}, /at least one class name/],
    [['a', ' '], {}, /class name 1: expected a text that is not empty, got " "/],
    ['abc' as unknown as string[], {}, /expected a list of class names, got "abc"/],
    [['a'], { templates: [] }, /"templates": expected at least one text/],
    [['a'], { templates: ['a photo'] }, /"templates": expected \{\} or \{c\} where the name goes, got "a photo"/],
    [['a'], { templates: 'imagnet' as 'imagenet' }, /"simple", "imagenet" or a list of texts, got "imagnet"/],
    [['a'], { template: ['{}'] } as object, /did you mean "templates"/],
  ])('refuses %j with %j', async (classNames, options, message) => {
    await expect(zeroShotClassifier(clip, classNames, options)).rejects.toMatchObject({
      code: 'ERR_INVALID_ARGUMENT',
      message: expect.stringMatching(message),
    })
  })

  test('comes from zeroShotClassifier alone, and stops at an abort', async () => {
    expect(() => new (Classifier as unknown as new () => Classifier)()).toThrow(/made by zeroShotClassifier/)
    const reason = new Error('enough')
    await expect(zeroShotClassifier(clip, names, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
  })
})
