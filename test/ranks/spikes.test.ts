/** What is done about a loss that jumps is done by all ranks alike, and is what one process does. */
import { readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { readSafetensors } from '../../lib/checkpoint/formats/safetensors/safetensors.js'
import type { TrainEvent } from '../../lib/train/events.js'
import type { TrainOptions } from '../../lib/train/options/options.js'
import { train } from '../../lib/train/run.js'
import { captionList, temporaryFolder } from '../train/pictures.js'
import { digestsOf, LIGHT, logOf, stepsOf, WEIGHTS, warningsOf } from '../train/runs.js'
import { onRanks } from './mpi.js'

vi.setConfig({ testTimeout: 180_000 })
/** As `jumps.mjs` has it. */
vi.mock('../../lib/train/spike-rule.js', async (original) => ({
  ...(await original<typeof import('../../lib/train/spike-rule.js')>()),
  limitAfter: ({ length }: readonly number[]) => {
    const jumps: number[] = JSON.parse(process.env.CLIPWRIGHT_JUMPS ?? '[]')
    return { limit: jumps.includes(length) ? 0.001 : 1000, median: 0 }
  },
}))
const PROGRAM = fileURLToPath(new URL('jumps.mjs', import.meta.url))

const folder = temporaryFolder()
const path = (name: string) => join(folder, name)
/** 12 steps in 3 epochs. */
const options = { batchSize: 8, epochs: 3, threads: 1, lr: 1e-3, saveEvery: 4, keep: 9, logEvery: 1 } as const
let data: string
beforeAll(async () => {
  data = await captionList(folder, 'train', 32)
  await train({ ...options, epochs: 1, model: LIGHT, data, out: path('base') }).result
})

afterEach(() => vi.unstubAllEnvs())

/** Trains, and the loss jumps where so many are known. */
async function onTwo(name: string, given: TrainOptions, jumps: readonly number[]) {
  const config = path(`${name}.config.json`)
  writeFileSync(config, JSON.stringify({ ...options, ...given, data, out: path(name) }))
  vi.stubEnv('CLIPWRIGHT_JUMPS', JSON.stringify(jumps))
  return onRanks(2, ['train', '--config', config], { program: PROGRAM })
}

async function expectTheSameRun(one: string, many: string): Promise<void> {
  const [a, b] = [one, many].map((name) => stepsOf(logOf(path(name))))
  expect(b!.map(({ step, loss }) => [step, loss])).toEqual(a!.map(({ step, loss }) => [step, expect.closeTo(loss, 4)]))
  const [x, y] = await Promise.all(
    [one, many].map((name) => readSafetensors(join(path(name), 'checkpoints/last', WEIGHTS))),
  )
  for (const [key, { data: expected }] of Object.entries(x!.tensors)) {
    const got = y!.tensors[key]!.data
    let sum = 0
    for (let i = 0; i < expected.length; i++) sum += Math.abs(Number(got[i]) - Number(expected[i]))
    expect(sum / expected.length, key).toBeLessThan(2e-5)
  }
}

type Model = 'a model' | 'adapters'
const modelOf = (model: Model): TrainOptions =>
  model === 'a model' ? { model: LIGHT } : { load: path('base/checkpoints/last'), loraRank: 2 }

describe('two ranks', () => {
  test.each<[Model, 'stop' | 'skip' | 'rewind']>([
    ['a model', 'stop'],
    ['a model', 'skip'],
    ['a model', 'rewind'],
    ['adapters', 'skip'],
    ['adapters', 'rewind'],
  ])('%s, onSpike %s: the run of one process', async (model, onSpike) => {
    const saved = onSpike === 'rewind' ? {} : { saveEvery: 1, keep: 20 }
    const given = { ...modelOf(model), ...saved, onSpike }
    const [one, many] = [`${model} ${onSpike} one`, `${model} ${onSpike}`]
    vi.stubEnv('CLIPWRIGHT_JUMPS', '[4]') // the losses of steps 1 to 4 are known at step 6
    await train({ ...options, ...given, data, out: path(one) }).result
    const { code, output } = await onTwo(many, given, [4])
    expect(code, output).toBe(0)
    const [a, b] = [one, many].map((name) => logOf(path(name))) as [TrainEvent[], TrainEvent[]]
    const [skipped, rewound] = [Number(onSpike === 'skip'), Number(onSpike === 'rewind')]
    expect(b.at(-1)).toMatchObject({ type: 'end', result: { steps: 12, spikes: { count: 1, skipped, rewound } } })
    const jump = (events: TrainEvent[]) =>
      events.find((event) => event.type === 'warning' && event.code === 'loss_spike')
    expect(jump(b)).toMatchObject({ samples: (jump(a) as { samples: number[] }).samples })
    expect(warningsOf(b, 'rewound')).toEqual(warningsOf(a, 'rewound'))

    if (onSpike === 'skip')
      expect(await digestsOf(path(many), WEIGHTS, 'step-6')).toEqual(await digestsOf(path(many), WEIGHTS, 'step-5'))
    await expectTheSameRun(one, many)
  })

  test('five in a row end all of them, and what was saved before stays', async () => {
    const { code, output } = await onTwo(
      'five',
      { ...modelOf('a model'), onSpike: 'rewind' },
      [4, 5, 6, 7, 8, 9, 10, 11],
    )
    expect(code).not.toBe(0)
    expect(output).toMatch(/train: the losses of the last 5 steps jumped or were not finite; /)
    expect(output).not.toMatch(/Segmentation|Aborted|signal (4|6|7|8|11)\b/)
    expect(warningsOf(logOf(path('five')), 'rewound').length).toBeGreaterThan(3)
    expect(readdirSync(join(path('five'), 'checkpoints'))).toContain('step-4')
  })
})
