/** Features of locked towers: made once, kept for all epochs and for later runs, and a run is what it would be without. */
import { readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { Clip } from '../../lib/clip/clip.js'
import { lock } from '../../lib/optim/lock.js'
import { ALONE } from '../../lib/ranks/world.js'
import { fixedTowers } from '../../lib/train/fixed-towers.js'
import { KeptFeatures } from '../../lib/train/kept-features.js'
import type { Settings, TrainOptions } from '../../lib/train/options/options.js'
import { train } from '../../lib/train/run.js'
import { captionList, temporaryFolder } from './pictures.js'
import { digestsOf, eventsOf, LIGHT, logOf, STATE, stepsOf, WEIGHTS, warningsOf } from './runs.js'

const folder = temporaryFolder()
const path = (name: string) => join(folder, name)
/** 4 steps an epoch. */
const options = { model: LIGHT, batchSize: 8, epochs: 3, threads: 1, lr: 1e-3, augment: false } as const
let data: string
beforeAll(async () => {
  data = await captionList(folder, 'train', 36)
})

const run = (out: string, more: TrainOptions) => train({ ...options, data, out: path(out), ...more })

describe.each<[string, TrainOptions]>([
  ['image', { lockImage: true }],
  ['text', { lockText: true }],
  ['image in micro-batches', { lockImage: true, microBatch: 3 }],
])('a locked tower: %s', (name, more) => {
  const cache = path(`cache ${name}`)
  const tower = 'lockText' in more ? 'text' : 'image'

  test('the run is the one without, to rounding, and so is a later one that finds them', async () => {
    const without = stepsOf(await eventsOf(run(`${name} off`, { ...more, featureCache: 'off' })))
    for (const [i, said] of [/once/, /[0-9]+ are kept/].entries()) {
      const events = await eventsOf(run(`${name} ${i}`, { ...more, featureCache: cache }))
      expect(warningsOf(events, 'feature_cache')).toEqual([expect.stringMatching(said)])
      for (const [step, { loss, gradNorm }] of stepsOf(events).entries()) {
        expect(Math.abs(loss - without[step]!.loss)).toBeLessThan(1e-5)
        expect(Math.abs(gradNorm - without[step]!.gradNorm)).toBeLessThan(1e-4 * without[step]!.gradNorm)
      }
    }
    expect(readdirSync(cache)).toEqual([expect.stringMatching(new RegExp(`^${tower}-[0-9a-f]{16}\\.features$`))])
  })

  test('interrupted and resumed equals uninterrupted', async () => {
    await run(`${name} whole`, { ...more, featureCache: path(`${name} whole cache`) }).result
    const half = run(`${name} half`, { ...more, featureCache: path(`${name} half cache`) })
    for await (const event of half) if (event.type === 'step' && event.step === 6) break
    await half.stop()
    const events = await eventsOf(train({ resume: path(`${name} half`) }))
    expect(warningsOf(events, 'not_exact')).toEqual([])
    expect(stepsOf(logOf(path(`${name} half`)))).toEqual(stepsOf(logOf(path(`${name} whole`))))
    for (const file of [WEIGHTS, STATE])
      expect(await digestsOf(path(`${name} half`), file)).toEqual(await digestsOf(path(`${name} whole`), file))
  })
})

test('features of other weights are made anew, which is said, and those that are gone make a resumed run inexact', async () => {
  const more = { lockImage: true, featureCache: path('shared') }
  await run('first', more).result
  const events = await eventsOf(run('other seed', { ...more, seed: 1 }))
  expect(warningsOf(events, 'feature_cache')).toEqual([expect.stringMatching(/another model or preprocessing/)])
  for (const name of readdirSync(path('shared'))) writeFileSync(join(path('shared'), name), 'damaged')
  const resumed = await eventsOf(train({ resume: path('first'), epochs: 4 }))
  expect(warningsOf(resumed, 'feature_cache')).toEqual([expect.stringMatching(/is damaged/)])
  expect(warningsOf(resumed, 'not_exact')).toEqual([expect.stringMatching(/the image features that were kept/)])
})

test('a disk that does not take them costs a warning', async () => {
  writeFileSync(path('no folder'), '')
  const events = await eventsOf(run('full', { lockImage: true, featureCache: join(path('no folder'), 'x') }))
  const said = warningsOf(events, 'feature_cache')
  expect(said).toEqual([expect.stringMatching(/once/), expect.stringMatching(/in memory alone from now on/)])
  expect(events.at(-1)).toMatchObject({ type: 'end', result: { steps: 12, interrupted: false } })
})

test('a picture that is kept is not decoded, and one of other bytes is', async () => {
  await using clip = await Clip.create(LIGHT, { threads: 1 })
  lock(clip, { image: 0 })
  const settings = { augment: false, batchSize: 8, featureCache: path('decoding') } as unknown as Settings
  const { kept } = await KeptFeatures.open(clip, settings, ALONE)
  let decoded = 0
  const decode = kept!.decoding(async () => new Uint8Array(32 * 32 * 3).fill(++decoded))
  const picture = join(path('train'), '1.png')
  const pixels = (await decode(picture, 0, 0))!
  const shape: [number, number, number, 3] = [1, 32, 32, 3]
  const made = await kept!.images({ shape, data: pixels }, Int32Array.of(0))
  expect(await decode(picture, 0, 1)).toBeUndefined()
  expect(await decode(picture, 1, 0), 'another sample of the same picture').toBeUndefined()
  expect(await decode(join(path('train'), '2.png'), 2, 0)).toBeDefined()
  expect(decoded).toBe(2)
  const none = { shape: [0, 32, 32, 3] as typeof shape, data: new Uint8Array() }
  expect(await kept!.images(none, Int32Array.of(1), new Int32Array())).toEqual(made)
  const { data: expected } = await clip.encodeImages({ shape, data: pixels }, { normalize: false })
  expect(made!.features).toEqual(expected)
})

test('towers are fixed that learn nothing and whose input is not drawn', async () => {
  const fixed = async (model: typeof LIGHT, locks: Parameters<typeof lock>[1], more = {}) => {
    await using clip = await Clip.create(model)
    lock(clip, locks)
    return fixedTowers(clip, { augment: false, ...more } as Settings)
  }
  const both = { image: 0, text: 0 }
  expect(await fixed(LIGHT, {})).toEqual([])
  expect(await fixed(LIGHT, both)).toEqual(['image', 'text'])
  expect(await fixed(LIGHT, { image: 1, text: 1 })).toEqual([])
  expect(await fixed(LIGHT, both, { augment: true })).toEqual(['text'])
  expect(await fixed(LIGHT, both, { distill: 'teacher' })).toEqual(['text'])
  expect(await fixed({ ...LIGHT, vision_cfg: { ...LIGHT.vision_cfg, patch_dropout: 0.5 } }, both)).toEqual(['text'])
  await using clip = await Clip.create(LIGHT)
  lock(clip, { image: 0 })
  clip.addLora({ rank: 2 })
  expect(fixedTowers(clip, { augment: false } as Settings)).toEqual([])
})
