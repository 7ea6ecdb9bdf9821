import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, expect, test } from 'vitest'
import type { Tensor } from '../../lib/base/types.js'
import { readSafetensors, writeSafetensors } from '../../lib/checkpoint/formats/safetensors/safetensors.js'
import { Clip } from '../../lib/clip/clip.js'
import type { LossScale } from '../../lib/optim/optimizer.js'
import type { TrainEvent } from '../../lib/train/events.js'
import type { TrainOptions } from '../../lib/train/options/options.js'
import { train } from '../../lib/train/run.js'
import { readState } from '../../lib/train/state.js'
import { captionList, temporaryFolder } from './pictures.js'
import { digestsOf, eventsOf, logOf, MODEL, STATE, stepsOf, WEIGHTS } from './runs.js'

const folder = temporaryFolder()
const path = (name: string) => join(folder, name)
let data: string

beforeAll(async () => {
  data = await captionList(folder, 'train', 64)
})

type Warning = TrainEvent & { type: 'warning' }
const skippedSteps = (events: TrainEvent[]) =>
  events.filter((event): event is Warning => event.type === 'warning' && event.code === 'step_skipped')

const lastOf = (out: string) => readState(join(out, 'checkpoints/last'))

/** Changes the state of the run's last checkpoint; what is undefined is taken out. */
async function changeState(out: string, change: { lossScale?: LossScale | undefined; weights?: undefined }) {
  const file = join(out, 'checkpoints/last', STATE)
  const { tensors, metadata } = await readSafetensors(file)
  const state = { ...JSON.parse(metadata.clipwright_training!), ...change }
  await writeSafetensors(file, tensors as Record<string, Tensor>, {
    metadata: { clipwright_training: JSON.stringify(state) },
  })
}

/** A run that was stopped before its first step, to go on with another loss scale. */
async function begunRun(name: string, value: number, options: TrainOptions = {}): Promise<string> {
  const out = path(name)
  const o = { data, out, model: MODEL, precision: 'fp16', batchSize: 16, epochs: 2, threads: 1 } as const
  const run = train({ ...o, ...options })
  for await (const event of run) if (event.type === 'start') break
  expect(await run.stop()).toMatchObject({ steps: 0, interrupted: true })
  expect((await lastOf(out)).optimizer.lossScale).toEqual({ value: 65536, goodSteps: 0 })
  await changeState(out, { lossScale: { value, goodSteps: 2 } })
  return out
}

test('100 steps in fp16 have the loss of 100 steps in fp32', async () => {
  const options = { epochs: 25, lr: 1e-3, saveEvery: 1000 } as const
  // A skipped step alone makes another run of it: with this scale there is none.
  const half = await begunRun('fp16', 1024, options)
  const exact = path('fp32')
  await train({ ...options, data, out: exact, model: MODEL, batchSize: 16, threads: 1 }).result
  await train({ resume: half }).result
  expect(skippedSteps(logOf(half))).toEqual([])
  const [a, b] = [exact, half].map((out) => {
    const losses = stepsOf(logOf(out)).map(({ loss }) => loss)
    expect(losses).toHaveLength(100)
    return losses.slice(-10).reduce((sum, loss) => sum + loss, 0) / 10
  }) as [number, number]
  const difference = Math.abs(b / a - 1)
  console.log(
    `loss of steps 91 to 100: fp32 ${a.toFixed(5)}, fp16 ${b.toFixed(5)}, ${(100 * difference).toFixed(2)} % apart (limit 2)`,
  )
  expect(a).toBeLessThan(0.8 * Math.log(16)) // it has learned something
  expect(b).not.toBe(a)
  expect(difference).toBeLessThanOrEqual(0.02)
})

test('skipped steps are warnings that say the new loss scale; interrupted and resumed equals uninterrupted', async () => {
  const whole = await begunRun('whole', 2 ** 20)
  cpSync(whole, path('parts'), { recursive: true })
  const events = await eventsOf(train({ resume: whole }))
  const skipped = skippedSteps(events)
  expect(skipped[0]!.message).toMatch(
    /^step 1 was skipped because its gradients' norm was (NaN|Infinity) in fp16; the loss scale is now 524288, half of what it was\.$/,
  )
  const scales = skipped.map(({ message }) => Number(/scale is now (\d+)/.exec(message)?.[1]))
  expect(scales).toEqual(scales.map((_, i) => 2 ** (19 - i)))
  expect(scales.length).toBeLessThan(8)
  expect(events.at(-1)).toMatchObject({ type: 'end', result: { steps: 8, interrupted: false } })

  for (const step of [2, 7]) {
    const run = train({ resume: path('parts') })
    for await (const event of run) if (event.type === 'step' && event.step === step) break
    expect(await run.stop()).toMatchObject({ interrupted: true })
  }
  await train({ resume: path('parts') }).result
  expect(stepsOf(logOf(path('parts')))).toEqual(stepsOf(logOf(whole)))
  for (const file of [WEIGHTS, STATE])
    expect(await digestsOf(path('parts'), file)).toEqual(await digestsOf(whole, file))
  const [a, b] = await Promise.all([whole, path('parts')].map(lastOf))
  expect(a!.optimizer.steps).toBe(8 - scales.length)
  expect(a!.optimizer.lossScale?.value).toBe(scales.at(-1))
  expect(b!.optimizer).toMatchObject({ steps: a!.optimizer.steps, lossScale: a!.optimizer.lossScale })
})

test('a state without a loss scale, as versions before fp16 wrote, begins anew', async () => {
  const out = await begunRun('old', 8)
  await changeState(out, { lossScale: undefined })
  expect((await lastOf(out)).optimizer).not.toHaveProperty('lossScale')
  const events = await eventsOf(train({ resume: out }))
  const halvings = skippedSteps(events).length
  expect((await lastOf(out)).optimizer.lossScale?.value).toBe(65536 / 2 ** halvings)
})

test('five skipped steps that no loss scale explains end a run, and another precision goes on with it', async () => {
  const out = await begunRun('beyond', 65536, { batchSize: 2 })
  const last = join(out, 'checkpoints/last')
  const state = readFileSync(join(last, STATE))
  rmSync(join(last, STATE)) // a model is not saved beside the state of other weights
  {
    // Products of these weights are beyond 65,504, whatever the loss scale is.
    await using clip = await Clip.load(last)
    const fc = clip.parameters().find(({ name }) => name === 'visual.transformer.resblocks.0.mlp.c_fc.weight')!
    const { shape, data: values } = await fc.read()
    await fc.write({ shape, data: values.map((x) => x * 1e6) })
    await clip.save(last)
  }
  writeFileSync(join(last, STATE), state)
  await changeState(out, { weights: undefined }) // which are others now
  await expect(train({ resume: out }).result).rejects.toMatchObject({
    code: 'ERR_UNSUPPORTED',
    message: expect.stringMatching(
      /last 5 steps were skipped .*last, of step 0: resume with precision 'bf16' or 'fp32'/,
    ),
  })
  const skipped = skippedSteps(logOf(out))
  // The scale falls from 65,536 to 1 in 16 of them.
  expect(skipped).toHaveLength(20)
  expect(skipped.at(-1)!.message).toMatch(/^step 20 was skipped .* its pictures: .*\.png/)
  const kept = await lastOf(out)
  expect(kept.state.step).toBe(0)
  expect(kept.optimizer).toMatchObject({ steps: 0, lossScale: { value: 65536 } })
  expect(await train({ resume: out, precision: 'fp32' }).result).toMatchObject({ steps: 64 })
  expect(skippedSteps(logOf(out))).toHaveLength(0)
})
