import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { writeError } from '../../lib/files/atomic-write.js'
import { Health } from '../../lib/train/health.js'
import type { TrainOptions } from '../../lib/train/options/options.js'
import { train } from '../../lib/train/run.js'
import { writeState } from '../../lib/train/state.js'
import { captionList, temporaryFolder } from './pictures.js'
import { digestsOf, eventsOf, LIGHT, logOf, STATE, stepsOf, WEIGHTS, warningsOf } from './runs.js'

/** A checkpoint's way to the disk passes here, so that it can be made long, or end. */
vi.mock('../../lib/train/state.js', async (original) => {
  const module = await original<typeof import('../../lib/train/state.js')>()
  return { ...module, writeState: vi.fn(module.writeState) }
})
const real = await vi.importActual<typeof import('../../lib/train/state.js')>('../../lib/train/state.js')

const folder = temporaryFolder()
const path = (name: string) => join(folder, name)
/** 8 steps in 2 epochs. */
const options = { model: LIGHT, batchSize: 8, epochs: 2, threads: 1, lr: 1e-3, saveEvery: 2, keep: 9 } as const
let data: string
beforeAll(async () => {
  data = await captionList(folder, 'train', 32)
  await train({ model: LIGHT, data, batchSize: 8, epochs: 1, threads: 1, out: path('base') }).result
})
afterEach(() => {
  vi.restoreAllMocks()
  vi.mocked(writeState).mockImplementation(real.writeState)
})

const everything = async (out: string) =>
  Promise.all(
    ['step-2', 'step-4', 'step-6', 'step-8', 'last', 'best'].flatMap((name) =>
      [WEIGHTS, STATE].map((file) => digestsOf(out, file, name)),
    ),
  )

describe('a checkpoint that is written beside the steps', () => {
  test.each<[string, TrainOptions]>([
    ['weights and moments', {}],
    ['averages', { ema: 0.9 }],
    ['adapters', { load: path('base/checkpoints/last'), loraRank: 2 }],
    ['in micro-batches', { microBatch: 4 }],
  ])('has the bits of one that the steps wait for: %s', async (name, more) => {
    const [beside, waiting] = [path(`${name} beside`), path(`${name} waiting`)]
    const own = { ...options, data, ...more }
    const told = await eventsOf(train({ ...own, out: beside }))
    expect(warningsOf(told, 'memory')).toEqual([])
    vi.spyOn(process, 'availableMemory').mockReturnValue(1000)
    const said = warningsOf(await eventsOf(train({ ...own, out: waiting })), 'memory')
    expect(said).toEqual([expect.stringMatching(/^steps wait while a checkpoint is written: a copy .* 1 MiB are free/)])
    expect(await everything(beside)).toEqual(await everything(waiting))
    if (more.ema === undefined) return
    const averages = (out: string) => digestsOf(out, WEIGHTS, '../averages/last')
    expect(await averages(beside)).toEqual(await averages(waiting))
  })

  test('lets steps go on, one at a time', async () => {
    const out = path('slow')
    vi.mocked(writeState).mockImplementation(async (at, ...what) => {
      await sleep(500)
      return real.writeState(at, ...what)
    })
    await train({ ...options, data, out, epochs: 1 }).result
    const order = logOf(out).flatMap((event) =>
      event.type === 'step' || (event.type === 'checkpoint' && event.path.endsWith('last'))
        ? [`${event.type} ${event.step}`]
        : [],
    )
    // The second waits for the first, and that of the epoch's end, which is the best, for the second.
    const steps = ['step 1', 'step 2', 'step 3', 'step 4']
    expect(order).toEqual([...steps, 'checkpoint 2', 'checkpoint 4', 'checkpoint 4'])
  })

  test('that the disk does not take ends the run; what it was to be is written all the same', async () => {
    const out = path('refused')
    let calls = 0
    vi.mocked(writeState).mockImplementation(async (at, ...what) => {
      const full = Object.assign(new Error('EIO: i/o error'), { code: 'EIO', syscall: 'read' })
      if (++calls === 1) throw writeError(join(at, WEIGHTS), full)
      return real.writeState(at, ...what)
    })
    await expect(train({ ...options, data, out }).result).rejects.toMatchObject({
      code: 'ERR_IO',
      message: expect.stringContaining('checkpoints/last could not be written (EIO'),
    })
    expect(existsSync(join(out, 'checkpoints/step-2'))).toBe(true)
    await train({ resume: out }).result
    expect(stepsOf(logOf(out))).toEqual(stepsOf(logOf(path('weights and moments beside'))))
    expect(await everything(out)).toEqual(await everything(path('weights and moments beside')))
  })

  test('of weights that are not finite is none', async () => {
    const out = path('diverged')
    await train({ ...options, data, out, epochs: 1 }).result
    const before = await digestsOf(out, WEIGHTS)
    const { inspect } = Health.prototype
    vi.spyOn(Health.prototype, 'inspect').mockImplementation(function (this: Health, name) {
      inspect.call(this, name, Float32Array.of(Number.NaN))
    })
    await expect(train({ resume: out, epochs: 2 }).result).rejects.toMatchObject({
      code: 'ERR_UNSUPPORTED',
      message: expect.stringMatching(/diverged: its weights are no longer finite \(.*last good checkpoint .* step 4/),
    })
    expect(await digestsOf(out, WEIGHTS)).toEqual(before)
  })
})

describe('a checkpoint is due', () => {
  const checkpoints = (out: string) =>
    logOf(out).flatMap((event) => (event.type === 'checkpoint' && event.path.endsWith('last') ? [event.step] : []))

  test('by time, and one more in the list that keep counts', async () => {
    const out = path('time')
    await train({ ...options, data, out, saveEvery: '0.001s', keep: 3 }).result
    const steps = [...new Set(checkpoints(out))]
    expect(steps.at(-1)).toBe(8)
    expect(steps.length).toBeGreaterThan(4)
    for (const [step, kept] of [
      [steps.at(-3)!, true],
      [steps.at(-4)!, false],
    ] as const)
      expect(existsSync(join(out, `checkpoints/step-${step}`))).toBe(kept)
    const rare = path('rare')
    await train({ ...options, data, out: rare, saveEvery: '1h', keep: 0 }).result
    expect(checkpoints(rare)).toEqual([4, 8])
  })

  test('when it is asked for', async () => {
    const out = path('asked')
    const run = train({ ...options, data, out, saveEvery: '1h', keep: 0, epochs: 8 })
    for await (const event of run) {
      if (event.type === 'step' && event.step === 9) run.save()
      if (event.type === 'step' && event.step === 13) break
    }
    await run.result
    expect(checkpoints(out).filter((step) => step > 9 && step < 12)).toHaveLength(1)
  })
})
