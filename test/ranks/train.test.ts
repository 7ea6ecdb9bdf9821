import { cpSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, test, vi } from 'vitest'
import { readSafetensors } from '../../lib/checkpoint/formats/safetensors/safetensors.js'
import { Clip } from '../../lib/clip/clip.js'
import type { BertTextConfig, ModelConfig } from '../../lib/models/model-config.js'
import { Ledger } from '../../lib/train/ledger.js'
import type { TrainOptions } from '../../lib/train/options/options.js'
import { train } from '../../lib/train/run.js'
import { EMULATED_CUDA } from '../clip/emulated-cuda.js'
import { TINY_CHINESE } from '../clip/tiny.js'
import { captionList, temporaryFolder } from '../train/pictures.js'
import { digestsOf, LIGHT, logOf, STATE, stepsOf, WEIGHTS } from '../train/runs.js'
import { onRanks } from './mpi.js'

vi.setConfig({ testTimeout: 180_000 })
const folder = temporaryFolder()
const path = (name: string) => join(folder, name)
let data: string
let val: string
beforeAll(async () => {
  data = await captionList(folder, 'train', 67)
  val = await captionList(folder, 'val', 21)
})

const options = { model: LIGHT, batchSize: 10, epochs: 3, threads: 1, lr: 1e-3, warmup: 3, logEvery: 1 } as const

/** The command line that says these. */
function told(given: TrainOptions, name: string): string[] {
  const file = path(`${name}.config.json`)
  writeFileSync(file, JSON.stringify({ ...given, out: path(name) }))
  return ['train', '--config', file]
}

async function alone(name: string, given: TrainOptions): Promise<void> {
  await train({ ...given, out: path(name) }).result
}

async function ranks(size: number, name: string, given: TrainOptions): Promise<void> {
  const { code, output } = await onRanks(size, told(given, name))
  expect(code, output).toBe(0)
}

/** Losses to 1e-4 of each, and weights to a mean absolute difference of 2e-5 a tensor. */
async function expectTheSameRun(one: string, many: string): Promise<void> {
  const [a, b] = [one, many].map((name) => stepsOf(logOf(path(name)))) as [
    ReturnType<typeof stepsOf>,
    ReturnType<typeof stepsOf>,
  ]
  expect(b.length).toBe(a.length)
  for (const [i, step] of a.entries()) {
    expect(Math.abs(b[i]!.loss - step.loss), `loss of step ${step.step}`).toBeLessThan(1e-4 * step.loss)
    expect(b[i]).toMatchObject({ step: step.step, epoch: step.epoch, lr: step.lr })
  }
  const weights = await Promise.all(
    [one, many].map((name) => readSafetensors(join(path(name), 'checkpoints/last', WEIGHTS))),
  )
  for (const [name, { data: expected }] of Object.entries(weights[0]!.tensors)) {
    const got = weights[1]!.tensors[name]!.data
    let sum = 0
    for (let i = 0; i < expected.length; i++) sum += Math.abs(Number(got[i]) - Number(expected[i]))
    expect(sum / expected.length, name).toBeLessThan(2e-5)
  }
}

const evalsOf = (name: string) => logOf(path(name)).filter((event) => event.type === 'eval')

describe('ranks make the run of one process', () => {
  const whole = { ...options, epochs: 9, evalEvery: 4 } // 54 steps
  beforeAll(() => alone('one', { ...whole, data, val }))

  test.each([2, 4])('%i ranks: losses, weights, evaluations and files', async (size) => {
    const name = `ranks-${size}`
    await ranks(size, name, { ...whole, data, val })
    await expectTheSameRun('one', name)
    const [a, b] = [evalsOf('one'), evalsOf(name)]
    expect(b.map(({ epoch, step }) => [epoch, step])).toEqual(a.map(({ epoch, step }) => [epoch, step]))
    for (const [i, event] of a.entries()) expect(b[i]!.loss).toBeCloseTo(event.loss, 4)
    expect(readdirSync(path(name)).sort()).toEqual(readdirSync(path('one')).sort())
    expect(readdirSync(join(path(name), 'checkpoints')).sort()).toEqual(['best', 'last'])
  })

  test('what each sample cost, and checkpoints by the clock of one', async () => {
    const given = { ...options, data, ledger: true, saveEvery: '0.01s', keep: 2 }
    await alone('costs one', given)
    await ranks(2, 'costs two', given)
    const [a, b] = await Promise.all(
      ['costs one', 'costs two'].map(
        async (name) => (await Ledger.read(join(path(name), 'checkpoints/last')))!.recorded.rows,
      ),
    )
    for (const row of ['seen', 'last_step'] as const) expect(b![row]).toEqual(a![row])
    for (const row of ['image_mean', 'text_last'] as const)
      for (const [i, cost] of a![row].entries()) expect(b![row][i]).toBeCloseTo(cost, 3)
    expect(readdirSync(join(path('costs two'), 'checkpoints')).filter((name) => name.startsWith('step-'))).toHaveLength(
      2,
    )
  })

  test('as many ranks have the same bits again', async () => {
    await ranks(2, 'again', { ...options, data, val })
    await ranks(2, 'again-2', { ...options, data, val })
    for (const file of [WEIGHTS, STATE])
      expect(await digestsOf(path('again-2'), file)).toEqual(await digestsOf(path('again'), file))
    expect(stepsOf(logOf(path('again-2')))).toEqual(stepsOf(logOf(path('again'))))
  })

  test.each<[string, TrainOptions]>([
    [
      'micro-batches, checkpointing, patch dropout and averages',
      { microBatch: 3, checkpointing: true, patchDropout: 0.5, ema: 0.9 },
    ],
    ['fp16 and its loss scale', { precision: 'fp16' }],
    ['a locked tower', { lockImage: true, augment: false, featureCache: path('features') }],
    ['the sigmoid loss', { loss: 'siglip' }],
    ['adapters', { loraRank: 2, load: path('one/checkpoints/last') }],
    ['the sum of both cross-entropies, augmented', { reduction: 'sum', augment: 'crop' }],
  ])('%s', async (what, more) => {
    const name = what.replaceAll(/\W+/g, '-')
    const { model, ...rest } = options
    const given = { ...rest, ...(!('load' in more) && { model }), epochs: 1, data, ...more }
    await alone(`${name}-one`, given)
    await ranks(3, name, given)
    const [a, b] = [`${name}-one`, name].map((run) => stepsOf(logOf(path(run)))) as [
      ReturnType<typeof stepsOf>,
      ReturnType<typeof stepsOf>,
    ]
    expect(b.length).toBe(a.length)
    const tolerance = given.precision === 'fp16' ? 2e-2 : 1e-4
    for (const [i, { loss }] of a.entries()) expect(Math.abs(b[i]!.loss - loss)).toBeLessThan(tolerance * loss)
  })
})

test('positives, dropout and a teacher make the run of one process, together', async () => {
  const { model: _, ...rest } = options
  const { hf_config, ...text } = TINY_CHINESE.text_cfg as BertTextConfig
  const smaller = { ...hf_config, hidden_dropout_prob: 0.2, attention_probs_dropout_prob: 0.2 }
  const model = { ...TINY_CHINESE, text_cfg: { ...text, hf_config: smaller } } as ModelConfig
  await using teacher = await Clip.create({ ...model, embed_dim: 24 }, { device: 'cpu', seed: 9 })
  await teacher.save(path('teacher'))
  // Half of them, so that some meet in every batch.
  const alike = await captionList(folder, 'alike', 41, (entry, i) => (i % 2 ? { ...entry, caption: 'a thing' } : entry))
  const given = { ...rest, model, epochs: 1, data: alike, positives: 'caption', distill: path('teacher') } as const
  await alone('together-one', given)
  await ranks(2, 'together', given)
  await expectTheSameRun('together-one', 'together')
  for (const [name, other] of [
    ['positives', { positives: undefined }],
    ['dropout', { dropout: 0 }],
    ['distill', { distill: undefined }],
  ] as const) {
    await alone(`without-${name}`, { ...given, ...other })
    const [first, second] = ['together', `without-${name}`].map((run) => stepsOf(logOf(path(run)))[0]!.loss)
    expect(Math.abs(first! - second!), name).toBeGreaterThan(1e-3)
  }
})

describe('devices', () => {
  test.each([
    ['the reference', { CLIPWRIGHT_BACKEND: 'reference' }, { device: 'cpu' }],
    ['a card, as it is emulated', { CLIPWRIGHT_CUDA_LIBRARY: EMULATED_CUDA }, { device: 'cuda:0' }],
  ] as const)('%s makes the run of one process', async (what, env, device) => {
    for (const [key, value] of Object.entries(env)) vi.stubEnv(key, value)
    const name = what.slice(0, 5)
    const given = { ...options, ...device, epochs: 1, data, microBatch: 3 }
    await alone(`${name}-one`, given)
    await ranks(2, name, given)
    vi.unstubAllEnvs()
    await expectTheSameRun(`${name}-one`, name)
  })
})

describe('samples', () => {
  test('a picture that cannot be read is found by its rank and replaced for all, as one process does it', async () => {
    cpSync(path('train'), path('damaged'), { recursive: true })
    for (const i of [3, 4, 40]) writeFileSync(join(path('damaged'), `${i}.png`), 'no picture')
    const list = path('damaged.json')
    writeFileSync(list, readFileSync(data, 'utf8').replaceAll('"train/', '"damaged/'))
    const given = { ...options, epochs: 2, data: list }
    await alone('bad-one', given)
    await ranks(3, 'bad', given)
    const bad = (name: string) => readFileSync(join(path(name), 'bad-samples.jsonl'), 'utf8')
    expect(bad('bad').trimEnd().split('\n')).toHaveLength(3)
    expect(bad('bad')).toBe(bad('bad-one'))
    await expectTheSameRun('bad-one', 'bad')
  })
})

describe('resume', () => {
  test('goes on in the middle of an epoch, at the same number of ranks bit for bit, at another to rounding', async () => {
    const given = { ...options, data, saveEvery: 4 }
    await ranks(2, 'whole', given)
    await ranks(2, 'begun', { ...given, keep: 5, epochs: 3 })
    for (const [name, size] of [
      ['resumed-2', 2],
      ['resumed-3', 3],
    ] as const) {
      cpSync(path('begun'), path(name), { recursive: true })
      cpSync(join(path(name), 'checkpoints/step-8'), join(path(name), 'checkpoints/last'), {
        recursive: true,
        force: true,
      })
      const { code, output } = await onRanks(size, ['train', '--resume', path(name)])
      expect(code, output).toBe(0)
    }
    expect(await digestsOf(path('resumed-2'), WEIGHTS)).toEqual(await digestsOf(path('whole'), WEIGHTS))
    await expectTheSameRun('whole', 'resumed-3')
  })
})
