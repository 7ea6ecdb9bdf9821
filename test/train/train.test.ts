import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import sharp from 'sharp'
import { beforeAll, describe, expect, test } from 'vitest'
import { Clip } from '../../lib/clip/clip.js'
import type { TrainEvent } from '../../lib/train/events.js'
import { train } from '../../lib/train/run.js'
import { captionList, temporaryFolder } from './pictures.js'
import { digestsOf, eventsOf, logOf, MODEL, stepsOf, WEIGHTS } from './runs.js'

const folder = temporaryFolder()
let data: string
let val: string

beforeAll(async () => {
  data = await captionList(folder, 'train', 36)
  val = await captionList(folder, 'val', 12)
})

const small = { model: MODEL, batchSize: 8, epochs: 2, threads: 1, lr: 1e-3 } as const
const path = (name: string) => join(folder, name)

describe('a whole run', () => {
  let events: TrainEvent[]
  beforeAll(async () => {
    events = await eventsOf(train({ ...small, data, val, out: path('whole'), epochs: 3, keep: 2 }))
  })

  test('tells start, steps, epochs, evaluations, checkpoints and end, in order', () => {
    expect(events[0]).toMatchObject({ type: 'start', pairs: 36, steps: 12, step: 0, config: { embed_dim: 64 } })
    expect(stepsOf(events).map(({ step, epoch }) => [step, epoch])).toEqual(
      Array.from({ length: 12 }, (_, i) => [i + 1, Math.floor(i / 4)]),
    )
    const types = events.map(({ type }) => type)
    expect(types.slice(1, 7)).toEqual(['step', 'step', 'step', 'step', 'epoch', 'eval'])
    expect(types.filter((type) => type === 'eval')).toHaveLength(3)
    expect(types.at(-1)).toBe('end')
    const end = events.at(-1)
    expect(end).toMatchObject({ type: 'end', result: { steps: 12, epochs: 3, interrupted: false, out: path('whole') } })
  })

  test('learns: the loss falls below guessing, recall rises above chance', () => {
    const losses = events.filter((event) => event.type === 'epoch').map(({ loss }) => loss)
    expect(losses).toHaveLength(3)
    expect(losses[2]!).toBeLessThan(losses[0]!)
    const evals = events.filter((event) => event.type === 'eval')
    for (const { recall, loss } of evals) {
      expect(recall.img_r10).toBeGreaterThan(0)
      expect(Number.isFinite(loss)).toBe(true)
    }
  })

  test('reports the schedule, the norm, the temperature and the speed of each step', () => {
    for (const event of events) {
      if (event.type !== 'step') continue
      expect(event.lr).toBeLessThanOrEqual(1e-3)
      expect(event.gradNorm).toBeGreaterThan(0)
      expect(event.logitScale).toBeGreaterThan(10)
      expect(event.pairsPerSecond).toBeGreaterThan(0)
      expect(event.dataWaitMs).toBeGreaterThanOrEqual(0)
      expect(event.dataWaitShare).toBeGreaterThanOrEqual(0)
      expect(event.dataWaitShare).toBeLessThanOrEqual(1)
    }
    expect(stepsOf(events)[0]!.lr).toBe(1e-3)
    expect(stepsOf(events)[11]!.lr).toBeCloseTo(1e-3 * 0.5 * (1 + Math.cos((Math.PI * 11) / 12)), 12)
  })

  test('leaves the folder of the contract', async () => {
    expect(readdirSync(path('whole')).sort()).toEqual([
      'bad-samples.jsonl',
      'checkpoints',
      'config.json',
      'epoch_loss.png',
      'epoch_loss.txt',
      'epoch_recall.txt',
      'epoch_val_loss.txt',
      'events.out.tfevents.0.clipwright',
      'log.jsonl',
      'loss.png',
      'recall.png',
    ])
    expect(readFileSync(join(path('whole'), 'bad-samples.jsonl'), 'utf8')).toBe('')
    expect(logOf(path('whole'))).toEqual(JSON.parse(JSON.stringify(events)))
    expect(JSON.parse(readFileSync(join(path('whole'), 'config.json'), 'utf8'))).toMatchObject({
      data,
      val,
      model: MODEL,
      epochs: 3,
      batchSize: 8,
      seed: 0,
      warmup: 0,
    })
    expect((await sharp(join(path('whole'), 'loss.png')).metadata()).format).toBe('png')
    expect(readdirSync(join(path('whole'), 'checkpoints')).sort()).toEqual(['best', 'last', 'step-12', 'step-8'])
  })

  test('every checkpoint is a model and a state; best is the one of the best recall', async () => {
    const best = (events.at(-1) as TrainEvent & { type: 'end' }).result.best
    const evals = events.filter((event) => event.type === 'eval')
    expect(best.rMean).toBe(Math.max(...evals.map(({ recall }) => recall.r_mean)))
    expect(evals.find(({ step }) => step === best.step)?.recall.r_mean).toBe(best.rMean)
    for (const name of ['last', 'best', 'step-8']) {
      const checkpoint = join(path('whole'), 'checkpoints', name)
      expect(existsSync(join(checkpoint, 'training.safetensors'))).toBe(true)
      await using clip = await Clip.load(checkpoint, { threads: 1 })
      expect((await clip.encodeTexts(['a red circle'])).shape).toEqual([1, 64])
    }
    const [last, earlier] = [await digestsOf(path('whole'), WEIGHTS), await digestsOf(path('whole'), WEIGHTS, 'step-8')]
    expect(last['visual.proj']).not.toBe(earlier['visual.proj'])
  })

  test('is repeated by the same seed, bit for bit, and changed by another', async () => {
    const [same, other] = [
      train({ ...small, data, out: path('same'), epochs: 3, workers: 1 }),
      train({ ...small, data, out: path('other'), epochs: 3, seed: 1 }),
    ]
    await Promise.all([same.result, other.result])
    expect(stepsOf(logOf(path('same')))).toEqual(stepsOf(events))
    expect(await digestsOf(path('same'), WEIGHTS)).toEqual(await digestsOf(path('whole'), WEIGHTS))
    expect(stepsOf(logOf(path('other')))[0]!.loss).not.toBe(stepsOf(events)[0]!.loss)
  })

  test('a used folder is refused, and replaced only when it is a run', async () => {
    await expect(train({ ...small, data, out: path('whole') }).result).rejects.toMatchObject({
      code: 'ERR_INVALID_ARGUMENT',
      message: expect.stringMatching(/there is a run in .*whole already; go on with it \("resume"\)/),
    })
    await expect(train({ ...small, data, out: folder, overwrite: true }).result).rejects.toMatchObject({
      code: 'ERR_INVALID_ARGUMENT',
      message: expect.stringContaining('is not a run folder'),
    })
    expect(existsSync(data)).toBe(true)
    writeFileSync(join(path('same'), 'notes.txt'), 'mine')
    const { steps } = await train({ ...small, data, out: path('same'), overwrite: true, epochs: 1 }).result
    expect(steps).toBe(4)
    expect(stepsOf(logOf(path('same')))).toHaveLength(4)
    expect(readFileSync(join(path('same'), 'notes.txt'), 'utf8')).toBe('mine')
  })
})

describe('options', () => {
  test.each([
    [{ dta: 'x' }, /no option "dta"; did you mean "data"\?/],
    [{ model: MODEL }, /option "data": expected the path of a caption list/],
    [{ data: 'x.json' }, /expected option "model" .* or "load"/],
    [{ data: 'x.json', model: MODEL, lr: Number.NaN }, /option "lr": expected number, got NaN/],
    [{ data: 'x.json', model: MODEL, batchSize: 0 }, /option "batchSize": .* got 0/],
    [{ data: 'x.json', model: MODEL, lr: 1e-4, minLr: 1e-3 }, /option "minLr": expected at most lr/],
    [{ data: 'x.json', model: MODEL, augment: { scale: [0.9, 0.5] } }, /option "augment/],
    [{ resume: 'x', out: 'y' }, /option "out": a resumed run stays in its folder x/],
    [{ resume: 'x', overwrite: true }, /exclude each other/],
    [{ data: 'x.json', model: MODEL, signal: {} }, /option "signal": expected an AbortSignal/],
    [undefined, /option "data"/],
  ])('%j is refused', async (options, message) => {
    await expect(train(options as never).result).rejects.toMatchObject({
      code: 'ERR_INVALID_ARGUMENT',
      message: expect.stringMatching(message),
    })
  })

  test('lists that cannot be trained on end the run before it makes a folder', async () => {
    const o = { ...small, out: path('never') }
    writeFileSync(path('empty.json'), '[]')
    writeFileSync(path('text.json'), 'no json')
    await expect(train({ ...o, data: path('missing.json') }).result).rejects.toMatchObject({ code: 'ERR_NOT_FOUND' })
    await expect(train({ ...o, data: path('empty.json') }).result).rejects.toMatchObject({ code: 'ERR_DATA' })
    await expect(train({ ...o, data: path('text.json') }).result).rejects.toMatchObject({ code: 'ERR_FORMAT' })
    await expect(train({ ...o, data, batchSize: 37 }).result).rejects.toMatchObject({ code: 'ERR_DATA' })
    await expect(train({ ...o, data, model: 'ViT-tiny-tset' }).result).rejects.toMatchObject({
      code: 'ERR_UNKNOWN_MODEL',
    })
    expect(existsSync(path('never'))).toBe(false)
  })

  test('load goes on from a checkpoint; microBatch and checkpointing lead to the same losses', async () => {
    const o = {
      data,
      batchSize: 8,
      epochs: 1,
      threads: 1,
      load: join(path('whole'), 'checkpoints/best'),
      augment: false,
    }
    const [plain, split] = [
      train({ ...o, out: path('plain') }),
      train({ ...o, out: path('split'), microBatch: 3, checkpointing: true }),
    ]
    await Promise.all([plain.result, split.result])
    const [a, b] = [stepsOf(logOf(path('plain'))), stepsOf(logOf(path('split')))]
    expect(a).toHaveLength(4)
    for (const [i, step] of a.entries()) expect(b[i]!.loss).toBeCloseTo(step.loss, 4)
    const scratch = stepsOf(logOf(path('whole')))[0]!.loss
    expect(a[0]!.loss).toBeLessThan(scratch)
    // No rate was given: that is said.
    expect(logOf(path('plain'))).toContainEqual(
      expect.objectContaining({ type: 'warning', code: 'fine_tuning_rate', message: expect.stringContaining('5e-5') }),
    )
  })
})
