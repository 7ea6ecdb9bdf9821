import { afterEach, expect, test, vi } from 'vitest'
import type { RunFolder } from '../../lib/train/run-folder.js'
import { RunPlots } from '../../lib/train/run-plots.js'

afterEach(() => vi.restoreAllMocks())

const STEP = { type: 'step', step: 1, epoch: 0, loss: 2, lr: 1, gradNorm: 1, logitScale: 1 } as const

function plots(...results: (Error | undefined)[]) {
  const written: string[] = []
  const writePlot = async (name: string) => {
    const failure = results.shift()
    if (failure) throw failure
    written.push(name)
  }
  const all = new RunPlots({ writePlot } as unknown as RunFolder)
  for (const step of [1, 2]) all.add({ ...STEP, step, pairsPerSecond: 1, dataWaitMs: 0 })
  return { all, written }
}

test('a drawing that failed on the way is made good by the last one', async () => {
  const { all, written } = plots(new Error('busy'), undefined)
  const later = performance.now() + 120_000
  vi.spyOn(performance, 'now').mockReturnValue(later)
  all.refresh()
  expect(await all.finish()).toBeUndefined()
  expect(written).toEqual(['loss.png'])
})

test('the last drawing tells what went wrong', async () => {
  const failure = new Error('full')
  expect(await plots(failure).all.finish()).toBe(failure)
})
