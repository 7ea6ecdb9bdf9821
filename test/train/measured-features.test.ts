/** Features of what a run measures on: made once where a tower is locked, whatever is drawn in training. */
import { mkdirSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { Tensor } from '../../lib/base/types.js'
import { Clip } from '../../lib/clip/clip.js'
import { evaluateZeroShot, evaluateZeroShotBy } from '../../lib/eval/zero-shot/evaluate-zero-shot.js'
import { lock } from '../../lib/optim/lock.js'
import { ALONE } from '../../lib/ranks/world.js'
import { KeptFeatures } from '../../lib/train/kept-features.js'
import { measuredFeatures } from '../../lib/train/measured-features.js'
import type { Settings } from '../../lib/train/options/options.js'
import { train } from '../../lib/train/run.js'
import { captionList, temporaryFolder } from './pictures.js'
import { eventsOf, LIGHT, stepsOf, warningsOf } from './runs.js'

const folder = temporaryFolder()
const path = (name: string) => join(folder, name)

function expectNear(found: Tensor, { shape, data }: Tensor): void {
  expect(found.shape).toEqual(shape)
  expect(Math.max(...found.data.map((x, i) => Math.abs(x - data[i]!)))).toBeLessThan(1e-6)
}

test('pictures and captions go through locked towers once, in batches of any size', async () => {
  await captionList(folder, 'few', 9)
  await using clip = await Clip.create(LIGHT, { threads: 1 })
  lock(clip, { image: 0, text: 0 })
  const settings = { augment: true, batchSize: 4, val: 'some', featureCache: path('few-cache') } as unknown as Settings
  const { kept, notes } = await KeptFeatures.open(clip, settings, ALONE)
  expect(notes.map(({ message }) => message)).toEqual([
    expect.stringMatching(/each picture that the run measures on goes through it once/),
    expect.stringMatching(/its input is not random/),
  ])
  const encoders = measuredFeatures(clip, kept, undefined)
  const pictures = Array.from({ length: 9 }, (_, i) => path(`few/${[0, 1, 2, 3, 4, 5, 6, 1, 8][i]}.png`))
  const captions = ['a red square', 'a blue circle', 'a red square', 'green']
  const expected = [await clip.encodeImages(pictures), await clip.encodeTexts(captions)]
  for (const batchSize of [4, 64]) {
    expectNear(await encoders.images(pictures, { batchSize }), expected[0]!)
    expectNear(await encoders.texts(captions, { batchSize }), expected[1]!)
    rmSync(path('few'), { recursive: true, force: true }) // what is known is not read again
  }
  await kept!.save((message) => expect.fail(message))
  expect(kept!.counts).toEqual({ image: 8, text: 3 })
})

test('a tower that learns is asked each time, and so is every tower where nothing is to be kept', async () => {
  await using clip = await Clip.create(LIGHT, { threads: 1 })
  const settings = { augment: true, batchSize: 4, val: 'some', featureCache: path('none') } as unknown as Settings
  expect((await KeptFeatures.open(clip, settings, ALONE)).kept).toBeUndefined()
  lock(clip, { image: 0 })
  expect((await KeptFeatures.open(clip, { ...settings, featureCache: 'off' }, ALONE)).kept).toBeUndefined()
  const { kept } = await KeptFeatures.open(clip, settings, ALONE)
  expect([kept?.of('image'), kept?.of('text')]).toEqual([expect.anything(), undefined])
  const { kept: unmeasured } = await KeptFeatures.open(clip, { ...settings, val: undefined } as Settings, ALONE)
  expect(unmeasured, 'what is trained on is drawn').toBeUndefined()
})

test('an augmented run with a locked tower keeps what it measures on, and the next one finds it', async () => {
  const [data, val] = [await captionList(folder, 'train', 24), await captionList(folder, 'val', 10)]
  const run = (out: string, featureCache: string) =>
    eventsOf(
      train({
        data,
        val,
        out: path(out),
        model: LIGHT,
        batchSize: 8,
        epochs: 2,
        threads: 1,
        lockImage: true,
        featureCache,
      }),
    )
  const evaluations = (events: Awaited<ReturnType<typeof run>>) => events.filter(({ type }) => type === 'eval')
  const without = await run('off', 'off')
  for (const [i, said] of [/once[^;]*$/, /; 10 are kept/].entries()) {
    const events = await run(`on ${i}`, path('cache'))
    expect(warningsOf(events, 'feature_cache')).toEqual([expect.stringMatching(said)])
    expect(stepsOf(events)).toEqual(stepsOf(without))
    expect(evaluations(events)).toHaveLength(2)
    for (const [e, one] of evaluations(events).entries()) {
      const other = evaluations(without)[e]!
      expect(one).toMatchObject({ recall: (other as { recall: object }).recall })
      expect((one as { loss: number }).loss).toBeCloseTo((other as { loss: number }).loss, 5)
    }
  }
})

test('classes by name go through locked towers once, too', async () => {
  const classes = path('classes')
  await captionList(folder, 'shapes', 6)
  for (const [i, kind] of ['square', 'circle'].entries()) {
    mkdirSync(join(classes, kind), { recursive: true })
    for (let n = i; n < 6; n += 2) renameSync(path(`shapes/${n}.png`), join(classes, kind, `${n}.png`))
  }
  await using clip = await Clip.create(LIGHT, { threads: 1 })
  lock(clip, { image: 0, text: 0 })
  const canary = [classes]
  const settings = { augment: true, batchSize: 4, canary, featureCache: path('classes-cache') } as unknown as Settings
  const { kept } = await KeptFeatures.open(clip, settings, ALONE)
  const encoders = measuredFeatures(clip, kept, undefined)
  const templates = ['a {}', 'one {}']
  const expected = await evaluateZeroShot(clip, classes, { templates })
  const found = await evaluateZeroShotBy(() => encoders, clip, classes, { templates })
  expect(found).toEqual(expected)
  await kept!.save((message) => expect.fail(message))
  expect(kept!.counts).toEqual({ image: 6, text: 4 })
})
