import { join } from 'node:path'
import { afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import type { TrainOptions } from '../../lib/train/options/options.js'
import { train } from '../../lib/train/run.js'
import { limitAfter } from '../../lib/train/spike-rule.js'
import { captionList, temporaryFolder } from './pictures.js'
import { digestsOf, eventsOf, LIGHT, logOf, STATE, stepsOf, WEIGHTS, warningsOf } from './runs.js'

/** The rule is asked before each step; here it says of some that whatever comes is too much. */
vi.mock('../../lib/train/spike-rule.js', async (original) => ({
  ...(await original<typeof import('../../lib/train/spike-rule.js')>()),
  limitAfter: vi.fn(),
}))
/** Step 6: the losses of steps 1 to 4 are known then. */
const bad = (known: (length: number) => boolean) =>
  vi
    .mocked(limitAfter)
    .mockImplementation((losses) => (known(losses.length) ? { limit: 0.001, median: 0 } : { limit: 1000, median: 0 }))

const folder = temporaryFolder()
const path = (name: string) => join(folder, name)
/** 12 steps in 3 epochs. */
const options = { model: LIGHT, batchSize: 8, epochs: 3, threads: 1, lr: 1e-2, saveEvery: 4, keep: 9 } as const
let data: string
beforeAll(async () => {
  data = await captionList(folder, 'train', 32)
  bad(() => false)
  await train({ ...options, data, out: path('whole') }).result
})
afterEach(() => vi.mocked(limitAfter).mockReset())

/** Stops after a step and goes on. */
async function interrupted(o: TrainOptions, step: number): Promise<void> {
  const run = train(o)
  for await (const event of run) if (event.type === 'step' && event.step === step) break
  await run.stop()
  await train({ resume: o.out as string }).result
}

const bits = async (out: string, name = 'last') => [
  await digestsOf(out, WEIGHTS, name),
  await digestsOf(out, STATE, name),
]

describe('a loss that jumps', () => {
  test('is told with its samples, and learned from by default', async () => {
    bad((length) => length === 4)
    const out = path('stop')
    const run = train({ ...options, data, out })
    const events = await eventsOf(run)
    expect((await run.result).spikes).toEqual({ count: 1, skipped: 0, rewound: 0 })
    expect(warningsOf(events, 'loss_spike')).toEqual([
      expect.stringMatching(/^the loss of step 6 jumped to .*, above 0.001 .*; its pictures: .*png, /),
    ])
    const told = events.find((event) => event.type === 'warning' && event.code === 'loss_spike')
    expect(told).toMatchObject({ samples: expect.arrayContaining([expect.any(Number)]) })
    expect(await bits(out)).toEqual(await bits(path('whole')))
  })

  test("with onSpike 'skip' teaches nothing, also where the run is interrupted", async () => {
    bad((length) => length === 4)
    const [out, again] = [path('skip'), path('skip again')]
    const own = { ...options, data, onSpike: 'skip', saveEvery: 1, keep: 20 } as const
    const { spikes } = await train({ ...own, out }).result
    expect(spikes).toEqual({ count: 1, skipped: 1, rewound: 0 })
    expect(await bits(out, 'step-6')).toEqual(await bits(out, 'step-5'))
    expect(await bits(out, 'step-7')).not.toEqual(await bits(out, 'step-6'))
    for (const step of [5, 6]) {
      await interrupted({ ...own, out: `${again} ${step}` }, step)
      expect(await bits(`${again} ${step}`)).toEqual(await bits(out))
    }
  })

  test("with onSpike 'rewind' takes the weights back, and the data go on", async () => {
    bad((length) => length === 4)
    const [out, again] = [path('rewind'), path('rewind again')]
    const own = { ...options, data, onSpike: 'rewind', ema: 0.9 } as const
    const run = train({ ...own, out })
    const events = await eventsOf(run)
    expect(await run.result).toMatchObject({ steps: 12, spikes: { count: 1, skipped: 0, rewound: 1 } })
    expect(warningsOf(events, 'rewound')).toEqual([
      'the weights are those after step 4 again; the data go on behind step 6.',
    ])
    const stopped = train({ ...own, out: again })
    for await (const event of stopped) if (event.type === 'step' && event.step === 6) break
    const { steps } = await stopped.stop()
    if (steps === 6) expect(await bits(again)).toEqual(await bits(out, 'step-4'))
    await train({ resume: again }).result
    await interrupted({ ...own, out: `${again} 5` }, 5) // saved between what it goes back to and the jump
    for (const other of [again, `${again} 5`]) {
      expect(await bits(other)).toEqual(await bits(out))
      expect(stepsOf(logOf(other))).toEqual(stepsOf(logOf(out)))
    }
  })

  test('before the first checkpoint goes back to the beginning', async () => {
    bad((length) => length === 0)
    const out = path('beginning')
    const { spikes } = await train({ ...options, data, out, onSpike: 'rewind', epochs: 1 }).result
    expect(spikes.rewound).toBeGreaterThan(0)
  })

  test.each(['stop', 'skip', 'rewind'] as const)('five times in a row ends the run: %s', async (onSpike) => {
    bad((length) => length >= 4)
    const out = path(`five ${onSpike}`)
    await expect(train({ ...options, data, out, onSpike }).result).rejects.toMatchObject({
      code: 'ERR_UNSUPPORTED',
      message: expect.stringMatching(/^train: the losses of the last 5 steps jumped or were not finite; /),
    })
    // What was learned from such losses is not saved.
    if (onSpike === 'stop') expect(await bits(out)).toEqual(await bits(out, 'step-8'))
  })
})
