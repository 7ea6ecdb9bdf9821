import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { Clip } from '../../lib/clip/clip.js'
import type { TrainOptions } from '../../lib/train/options/options.js'
import { train } from '../../lib/train/run.js'
import { captionList, temporaryFolder } from './pictures.js'
import { digestsOf, LIGHT, logOf, STATE, stepsOf, WEIGHTS } from './runs.js'

const folder = temporaryFolder()
const path = (name: string) => join(folder, name)
/** 4 steps an epoch, 8 in all. */
const options = { batchSize: 8, epochs: 2, threads: 1, lr: 1e-3 } as const
let lists: { data: string; val: string }

beforeAll(async () => {
  lists = { data: await captionList(folder, 'train', 36), val: await captionList(folder, 'val', 12) }
  const clip = await Clip.create(LIGHT, { seed: 5 })
  await clip.save(path('base'))
  await clip.dispose()
})

const evals = (run: string) => logOf(run).filter(({ type }) => type === 'eval')
async function weightsOf(folder: string, lora?: string): Promise<Float32Array> {
  const clip = await Clip.load(folder, { threads: 1, ...(lora && { lora }) })
  const { data } = await clip.encodeTexts(['a red picture', 'blue'])
  await clip.dispose()
  return data
}

describe.each<[string, TrainOptions]>([
  ['averages', { ema: 0.5 }],
  ['averages in micro-batches', { ema: 0.5, microBatch: 3 }],
  ['adapters', { loraRank: 2, loraAlpha: 4 }],
  ['adapters with averages', { loraRank: 2, ema: 0.5 }],
  ['locks and layer decay', { lockImage: true, lockImageUnlockedGroups: 1, layerDecay: 0.7 }],
])('%s', (name, more) => {
  test('interrupted and resumed equals uninterrupted', async () => {
    const all = { ...options, ...more, ...lists, load: path('base') }
    const whole = path(`${name}-whole`)
    const half = path(`${name}-half`)
    await train({ ...all, out: whole }).result
    const run = train({ ...all, out: half })
    for await (const event of run) if (event.type === 'step' && event.step === 6) break
    expect(await run.stop()).toMatchObject({ interrupted: true })
    expect(await train({ resume: half }).result).toMatchObject({ steps: 8 })
    expect(stepsOf(logOf(half))).toEqual(stepsOf(logOf(whole)))
    expect(evals(half)).toEqual(evals(whole))
    for (const file of [WEIGHTS, STATE])
      expect(await digestsOf(half, file, 'last')).toEqual(await digestsOf(whole, file, 'last'))
    expect(existsSync(join(whole, 'averages/last'))).toBe(more.ema !== undefined)
    expect(existsSync(join(whole, 'adapters/best'))).toBe(more.loraRank !== undefined)
    for (const part of ['averages', 'adapters'])
      for (const checkpoint of ['last', 'best']) {
        if (!existsSync(join(whole, part))) continue
        const load = (run: string) =>
          part === 'averages'
            ? weightsOf(join(run, part, checkpoint))
            : weightsOf(path('base'), join(run, part, checkpoint))
        expect(await load(half)).toEqual(await load(whole))
      }
  })
})

test('what is measured is what `averages` holds, and `adapters` makes of the base what `checkpoints` has', async () => {
  const averages = path('averages-whole')
  expect(await weightsOf(join(averages, 'averages/last'))).not.toEqual(
    await weightsOf(join(averages, 'checkpoints/last')),
  )
  const adapters = path('adapters-whole')
  expect(await weightsOf(path('base'), join(adapters, 'adapters/last'))).toEqual(
    await weightsOf(join(adapters, 'checkpoints/last')),
  )
  const both = path('adapters with averages-whole')
  expect(await weightsOf(path('base'), join(both, 'adapters/last'))).toEqual(
    await weightsOf(join(both, 'averages/last')),
  )
})

test.each<[TrainOptions, string]>([
  [{ model: LIGHT, loraRank: 2 }, 'loraRank'],
  [{ model: LIGHT, loraAlpha: 2 }, 'belongs to adapters'],
  [{ model: LIGHT, layerDecay: 1.5 }, 'at most 1'],
  [{ model: LIGHT, lockTextUnlockedLayers: 1 }, 'belongs to lockText'],
  [{ model: LIGHT, ema: 1 }, 'ema'],
])('%o is refused', async (more, message) => {
  await expect(train({ ...options, ...lists, ...more, out: path('refused') }).result).rejects.toMatchObject({
    code: 'ERR_INVALID_ARGUMENT',
    message: expect.stringContaining(message),
  })
})
