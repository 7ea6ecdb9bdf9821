import { beforeEach, describe, expect, test, vi } from 'vitest'
import type { Clip } from '../../lib/clip/clip.js'
import { hasFonts, NO_FONTS } from '../../lib/report/svg.js'
import { EpochWeights } from '../../lib/train/epoch-weights.js'
import type { TrainEvent } from '../../lib/train/events.js'
import type { Settings } from '../../lib/train/options/options.js'
import { RunRecord } from '../../lib/train/record.js'
import type { RunFolder } from '../../lib/train/run-folder.js'
import { RunPlots } from '../../lib/train/run-plots.js'

vi.mock('../../lib/report/svg.js', async (original) => ({ ...(await original<object>()), hasFonts: vi.fn() }))

const EVENTS: TrainEvent[] = [
  { type: 'epoch', epoch: 0, loss: 2 },
  { type: 'validation', epoch: 0, step: 4, loss: 3 },
]
const log = vi.fn()
const append = vi.fn()
const folder = {
  writes: true,
  log,
  append,
  isEmpty: () => false,
  readLog: async () => ({ events: EVENTS, damaged: [] }),
} as unknown as RunFolder
const plotted = vi.spyOn(RunPlots.prototype, 'add')
const weighed = vi.spyOn(EpochWeights.prototype, 'add')
const drawn = vi.spyOn(RunPlots.prototype, 'finish')
let record: RunRecord
beforeEach(() => {
  vi.clearAllMocks()
  record = new RunRecord(folder, { val: 'x' } as unknown as Settings)
})
const calls = (spy: { mock: { calls: unknown[][] } }) => spy.mock.calls.map(([event]) => event)

describe('the record of a run', () => {
  test('keeps each event in the log, in files, in plots and for weights', () => {
    for (const event of EVENTS) record.add(event)
    for (const spy of [log, plotted, weighed]) expect(calls(spy)).toEqual(EVENTS)
    expect(append.mock.calls.map(([name]) => name)).toEqual(['loss', 'tensorboard', 'val_loss', 'tensorboard'])
  })

  test('of a run that goes on remembers what its log has, and writes none of it again', async () => {
    await record.replay()
    for (const spy of [plotted, weighed]) expect(calls(spy)).toEqual(EVENTS)
    expect(log).not.toHaveBeenCalled()
    expect(append).not.toHaveBeenCalled()
  })

  test('keeps weights when an epoch is over', async () => {
    const kept = vi.spyOn(EpochWeights.prototype, 'keep').mockResolvedValue()
    const clip = {} as Clip
    await record.keepEpoch(clip)
    expect(kept).toHaveBeenCalledExactlyOnceWith(clip)
  })

  test.each([
    ['nothing when all is well', undefined, true, []],
    ['of missing fonts', undefined, false, [['plot', NO_FONTS]]],
    ['of a drawing that failed', new Error('full'), false, [['plot', "the run's curves could not be drawn: full"]]],
  ])('warns %s', async (_, failure, fonts, expected) => {
    drawn.mockResolvedValue(failure)
    vi.mocked(hasFonts).mockResolvedValue(fonts)
    const warn = vi.fn()
    await record.finishPlots(warn)
    expect(warn.mock.calls).toEqual(expected)
  })
})
