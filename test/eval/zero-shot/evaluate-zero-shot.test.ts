import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Clip } from '../../../lib/clip/clip.js'
import { accuracy, accuracyInterval } from '../../../lib/eval/zero-shot/accuracy.js'
import { rankClasses } from '../../../lib/eval/zero-shot/class-ranks.js'
import { zeroShotClassifier } from '../../../lib/eval/zero-shot/classifier.js'
import { evaluateZeroShot } from '../../../lib/eval/zero-shot/evaluate-zero-shot.js'
import { temporaryFolder } from '../../train/pictures.js'
import { LIGHT } from '../../train/runs.js'
import { classFolders } from './folders.js'

const folder = temporaryFolder()
let clip: Clip
beforeAll(async () => {
  clip = await Clip.create(LIGHT, { threads: 1, seed: 3 })
})
afterAll(() => clip.dispose())

describe('rankClasses and accuracy', () => {
  test('count what ranks ahead, the earlier of equal ones first', async () => {
    const features = { shape: [4, 2], data: Float32Array.of(1, 0, 0, 1, 1, 1, 1, 0) }
    const weights = { shape: [3, 2], data: Float32Array.of(1, 0, 0, 1, 1, 0) }
    const classOf = Int32Array.of(0, 0, 2, 2)
    const { rank, first } = await rankClasses(features, weights, classOf)
    // Scores: [1 0 1], [0 1 0], [1 1 1], [1 0 1].
    expect([...rank]).toEqual([0, 1, 2, 1])
    expect([...first]).toEqual([0, 1, 0, 0])
    expect(accuracy(rank, classOf, 3)).toEqual({ top1: 25, top5: 100, meanPerClass: 25 })
  })

  test('mean per class weighs classes and not pictures', () => {
    const classOf = Int32Array.of(0, 0, 0, 1)
    expect(accuracy(Int32Array.of(0, 0, 0, 5), classOf, 2)).toEqual({ top1: 75, top5: 75, meanPerClass: 50 })
    expect(accuracy(Int32Array.of(0, 1, 4, 5), classOf, 2)).toMatchObject({ top1: 25, top5: 75 })
  })

  test('the interval holds the figure, and repeats by its seed', async () => {
    const classOf = Int32Array.from({ length: 60 }, (_, i) => i % 3)
    const rank = classOf.map((_, i) => (i % 5) + (i % 2) * 4)
    const o = { samples: 200, seed: 5 }
    const interval = await accuracyInterval(rank, classOf, 3, o)
    const figures = accuracy(rank, classOf, 3)
    for (const key of ['top1', 'top5', 'meanPerClass'] as const) {
      expect(interval[key][0]).toBeLessThan(figures[key])
      expect(interval[key][1]).toBeGreaterThan(figures[key])
    }
    expect(await accuracyInterval(rank, classOf, 3, o)).toEqual(interval)
    expect(await accuracyInterval(rank, classOf, 3, { ...o, seed: 6 })).not.toEqual(interval)
  })
})

describe('evaluateZeroShot', () => {
  test('measures what classify says of each picture, and where they are taken for others', async () => {
    const data = await classFolders(join(folder, 'hues'), { red: 0, light_green: 120, blue: 240 }, 4)
    mkdirSync(join(data, 'red', 'more'))
    await classFolders(join(data, 'red'), { more: 10 }, 1)
    writeFileSync(join(data, 'notes.txt'), 'not a class')
    const r = await evaluateZeroShot(clip, data, { templates: ['a {}'], bootstrap: { samples: 20 }, batchSize: 5 })
    expect(r.classes.map(({ folder, name, images }) => [folder, name, images])).toEqual([
      ['blue', 'blue', 4],
      ['light_green', 'light green', 4],
      ['red', 'red', 5],
    ])
    const classifier = await zeroShotClassifier(clip, ['blue', 'light green', 'red'], { templates: ['a {}'] })
    const confusion = [0, 1, 2].map(() => [0, 0, 0])
    for (const [own, name] of ['blue', 'light_green', 'red'].entries()) {
      const files = [0, 1, 2, 3].map((i) => join(data, name, `${i}.png`))
      if (name === 'red') files.push(join(data, 'red', 'more', '0.png'))
      for (const [best] of await classifier.classify(files, { topK: 1 }))
        confusion[own]![classifier.classNames.indexOf(best!.label)]!++
    }
    expect(r.confusion).toEqual(confusion)
    const right = confusion.map((row, c) => row[c]!)
    expect(r.top1).toBeCloseTo((100 * right.reduce((a, b) => a + b)) / 13, 9)
    expect(r.meanPerClass).toBeCloseTo((100 * (right[0]! / 4 + right[1]! / 4 + right[2]! / 5)) / 3, 9)
    expect(r).toMatchObject({ images: 13, top5: 100, skipped: [], chance: { top1: 100 / 3, top5: 100 } })
    expect(r.protocol).toMatchObject({
      data,
      names: 'folders',
      templates: ['a {}'],
      interval: { samples: 20, seed: 0 },
    })
    expect(r.interval!.top5).toEqual([100, 100])
    expect(r.warnings).toEqual([expect.stringContaining('With 3 classes')])
  })

  test('takes names from classes.json, and says of ids that they are none', async () => {
    const data = await classFolders(join(folder, 'ids'), { n00000001: 0, n00000002: 200 }, 1)
    expect((await evaluateZeroShot(clip, data)).warnings[0]).toMatch(/n00000001, n00000002 are ids of WordNet/)
    const map = (value: unknown) => writeFileSync(join(data, 'classes.json'), JSON.stringify(value))
    map({ n00000001: 'cat', n00000002: 'dog' })
    const r = await evaluateZeroShot(clip, data)
    expect(r.classes.map(({ name }) => name)).toEqual(['cat', 'dog'])
    expect(r.protocol.names).toBe('classes.json')
    expect(r.warnings.join()).not.toMatch(/WordNet/)
    const fails = (value: unknown, code: string, message: RegExp) => {
      map(value)
      return expect(evaluateZeroShot(clip, data)).rejects.toMatchObject({
        code,
        message: expect.stringMatching(message),
      })
    }
    await fails({ n00000001: 'cat' }, 'ERR_DATA', /classes\.json has no name for n00000002/)
    await fails({ n00000001: 'a', n00000002: 'b', n3: 'c' }, 'ERR_DATA', /names n3, but .* has no such folder/)
    await fails(['cat'], 'ERR_FORMAT', /expected an object of class names by folder/)
    await fails({ n00000001: 'a', n00000002: 'a' }, 'ERR_INVALID_ARGUMENT', /ids: a class name .* \(a\)/)
  })

  test('refuses a class without pictures, by name, and leaves bad pictures out only when asked', async () => {
    const data = await classFolders(join(folder, 'some'), { red: 0, blue: 240 }, 2)
    mkdirSync(join(data, 'nothing_here'))
    await expect(evaluateZeroShot(clip, data)).rejects.toMatchObject({
      code: 'ERR_DATA',
      message: expect.stringMatching(/no picture in the class folder nothing_here/),
    })
    writeFileSync(join(data, 'nothing_here', 'bad.png'), 'no picture')
    await expect(evaluateZeroShot(clip, data)).rejects.toMatchObject({
      code: 'ERR_IMAGE',
      message: expect.stringMatching(/bad\.png/),
    })
    const r = await evaluateZeroShot(clip, data, { skipBad: true })
    expect(r.images).toBe(4)
    expect(r.skipped).toEqual([{ image: join(data, 'nothing_here', 'bad.png'), error: expect.any(String) }])
    expect(r.classes[1]).toMatchObject({ name: 'nothing here', images: 0 })
  })

  test.each([
    ['nowhere', 'ERR_NOT_FOUND', /There is no folder/],
    ['empty', 'ERR_DATA', /has no folders in it/],
    ['file.txt', 'ERR_DATA', /is a file/],
  ])('refuses %s', async (name, code, message) => {
    mkdirSync(join(folder, 'empty'), { recursive: true })
    writeFileSync(join(folder, 'file.txt'), '')
    const evaluated = evaluateZeroShot(join(folder, 'no-model'), join(folder, name))
    await expect(evaluated).rejects.toMatchObject({ code, message: expect.stringMatching(message) })
  })
})
