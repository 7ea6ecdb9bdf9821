import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import * as plots from '../../lib/report/plots.js'
import type { TrainEvent } from '../../lib/train/events.js'
import type { RunFolder } from '../../lib/train/run-folder.js'
import { RunPlots } from '../../lib/train/run-plots.js'

// What is drawn, and when; test/report/plots.test.ts has how.
vi.mock('../../lib/report/plots.js', () => ({
  lossPlot: vi.fn(async () => Buffer.alloc(1)),
  epochLossPlot: vi.fn(async () => Buffer.alloc(1)),
  recallPlot: vi.fn(async () => Buffer.alloc(1)),
}))

let now = 0
beforeEach(() => {
  now = 1_000_000 // whole: fractions of milliseconds do not add up exactly
  vi.spyOn(performance, 'now').mockImplementation(() => now)
})
afterEach(() => {
  vi.restoreAllMocks()
  vi.clearAllMocks()
})

const STEP = {
  type: 'step',
  epoch: 0,
  lr: 1,
  gradNorm: 1,
  logitScale: 1,
  pairsPerSecond: 1,
  dataWaitMs: 0,
  dataWaitShare: 0,
} as const
const step = (n: number): TrainEvent => ({ ...STEP, step: n, loss: n / 2 })

const start = (options: object) => ({ type: 'start', options }) as TrainEvent

/** @param results of writing one plot after the other: undefined is well */
function folderOf(...results: (Error | Promise<void> | undefined)[]) {
  const written: string[] = []
  const writePlot = async (name: string) => {
    const result = results.shift()
    if (result instanceof Error) throw result
    await result
    written.push(name)
  }
  const all = new RunPlots({ writePlot } as unknown as RunFolder)
  for (const n of [1, 2]) all.add(step(n))
  return { all, written }
}
const settle = () => new Promise((resolve) => setImmediate(resolve))

describe('a drawing', () => {
  test('has each step, the epochs counted from 1 with their validation loss, and evaluations', async () => {
    const { all, written } = folderOf()
    const chance = { r_mean: 1 }
    const recall = { r_mean: 3, chance } as never
    all.add(start({ batchSize: 100, reduction: 'mean' }))
    all.add({ type: 'validation', epoch: 0, step: 2, loss: 9 }) // of no epoch that is known
    all.add({ type: 'epoch', epoch: 0, loss: 1.5 })
    all.add({ type: 'epoch', epoch: 1, loss: 1.25 })
    all.add({ type: 'validation', epoch: 1, step: 4, loss: 2.5 })
    all.add({ type: 'epoch', epoch: 2, loss: 1 })
    all.add({ type: 'eval', epoch: 2, step: 6, loss: 2.25, recall })
    expect(await all.finish()).toBeUndefined()
    expect(written).toEqual(['loss.png', 'epoch_loss.png', 'recall.png'])
    const losses = [1, 2].map((n) => ({ step: n, loss: n / 2, low: n / 2, high: n / 2 }))
    const evals = [{ step: 6, loss: 2.25, recall: { r_mean: 3 }, chance }]
    const guessing = { value: Math.log(100), text: 'guessing: ln 100 = 4.61' }
    expect(plots.lossPlot).toHaveBeenLastCalledWith(losses, evals, { lastStep: 6, guessing })
    expect(plots.recallPlot).toHaveBeenLastCalledWith(evals, { lastStep: 6, canaries: [] })
    expect(plots.epochLossPlot).toHaveBeenLastCalledWith([
      { epoch: 1, loss: 1.5 },
      { epoch: 2, loss: 1.25, validation: 2.5 },
      { epoch: 3, loss: 1, validation: 2.25 },
    ])
  })

  test('of a run without an epoch is of its steps alone', async () => {
    const { all, written } = folderOf()
    await all.finish()
    expect(written).toEqual(['loss.png'])
  })

  test('of many steps is of few points, the last step among them', async () => {
    const { all } = folderOf()
    for (let n = 3; n <= 20_001; n++) all.add(step(n))
    await all.finish()
    const [points, , options] = vi.mocked(plots.lossPlot).mock.lastCall!
    expect(points.length).toBeLessThanOrEqual(2048)
    expect(points.at(-1)).toMatchObject({ step: 20_001, high: 20_001 / 2 })
    expect(options).toEqual({ lastStep: 20_001, guessing: undefined })
  })

  test('has twice the loss of guessing where the loss is a sum', async () => {
    const { all } = folderOf()
    all.add(start({ batchSize: 100, reduction: 'sum' }))
    await all.finish()
    const guessing = { value: 2 * Math.log(100), text: 'guessing: 2 ln 100 = 9.21' }
    expect(vi.mocked(plots.lossPlot).mock.lastCall![2]).toEqual({ lastStep: 2, guessing })
  })

  test('without evaluations that know chance has none', async () => {
    const { all } = folderOf()
    all.add({ type: 'eval', epoch: 0, step: 9, loss: 1, recall: { r_mean: 3 } as never })
    await all.finish()
    const evals = [{ step: 9, loss: 1, recall: { r_mean: 3 } }]
    expect(vi.mocked(plots.recallPlot).mock.lastCall).toEqual([evals, { lastStep: 9, canaries: [] }])
  })
})

describe('refresh', () => {
  test('draws in the background, once a minute and never twice at a time', async () => {
    let finish = () => {}
    const slow = new Promise<void>((resolve) => {
      finish = resolve
    })
    const { all, written } = folderOf(slow)
    const drawn = () => vi.mocked(plots.lossPlot).mock.calls.length
    all.refresh()
    await settle()
    expect(drawn()).toBe(0)
    now += 60_000
    all.refresh()
    await vi.waitFor(() => expect(drawn()).toBe(1))
    now += 60_000
    all.refresh()
    await settle()
    expect(drawn()).toBe(1)
    finish()
    await vi.waitFor(() => expect(written).toEqual(['loss.png']))
    await settle()
    // A minute counts from the end of the last one.
    all.refresh()
    await settle()
    expect(drawn()).toBe(1)
    now += 60_000
    all.refresh()
    await vi.waitFor(() => expect(drawn()).toBe(2))
  })

  test('is waited for by the last drawing, which makes good what failed', async () => {
    let fail = (_: Error) => {}
    const failing = new Promise<void>((_, reject) => {
      fail = reject
    })
    const { all, written } = folderOf(failing, undefined)
    now += 120_000
    all.refresh()
    const last = all.finish()
    await vi.waitFor(() => expect(vi.mocked(plots.lossPlot)).toHaveBeenCalledTimes(1))
    fail(new Error('busy'))
    expect(await last).toBeUndefined()
    expect(written).toEqual(['loss.png'])
  })
})

test('the last drawing tells what went wrong', async () => {
  const failure = new Error('full')
  expect(await folderOf(failure).all.finish()).toBe(failure)
})
