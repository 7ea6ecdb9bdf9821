/** A run of the reference preset leaves every file that the reference leaves, and goes on without doubling a line. */
import { appendFileSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import sharp from 'sharp'
import { beforeAll, describe, expect, test } from 'vitest'
import { readSafetensors } from '../../lib/checkpoint/formats/safetensors/safetensors.js'
import { Clip } from '../../lib/clip/clip.js'
import { EVENT_FILE } from '../../lib/report/tensorboard.js'
import { train } from '../../lib/train/run.js'
import { captionList, temporaryFolder } from './pictures.js'
import { logOf, MODEL } from './runs.js'
import { readEvents } from './tensorboard-file.js'

const folder = temporaryFolder()
const path = (name: string) => join(folder, name)
/** 2 steps an epoch. */
const options = { preset: 'reference', model: MODEL, batchSize: 8, epochs: 3, threads: 1, evalEvery: 2 } as const
const NAMES = ['txt_r1', 'txt_r5', 'txt_r10', 'txt_r_mean', 'img_r1', 'img_r5', 'img_r10', 'img_r_mean', 'r_mean']
let lists: { data: string; val: string }

beforeAll(async () => {
  lists = { data: await captionList(folder, 'train', 20), val: await captionList(folder, 'val', 12) }
  await train({ ...options, ...lists, out: path('whole') }).result
  const run = train({ ...options, ...lists, out: path('parts') })
  for await (const event of run) if (event.type === 'step' && event.step === 5) break
  await run.stop()
  // As if the process had gone on for a while after its last checkpoint, and was ended then.
  for (const file of ['epoch_loss.txt', 'epoch_val_loss.txt', 'epoch_recall.txt', EVENT_FILE])
    appendFileSync(path(`parts/${file}`), '9\n9')
  mkdirSync(path('parts/weights/ep003-loss9.000-val_loss9.000'))
  writeFileSync(path('parts/weights/ep003-loss9.000-val_loss9.000/open_clip_config.json'), '{}')
  await train({ resume: path('parts') }).result
})

const lines = (out: string, file: string) =>
  readFileSync(join(path(out), file), 'utf8')
    .trimEnd()
    .split('\n')
type Losses = { loss: number[]; val: number[] }
function lossesOf(out: string): Losses {
  const events = logOf(path(out))
  const of = (...types: string[]) => events.flatMap((e) => (types.includes(e.type) && 'loss' in e ? [e.loss] : []))
  return { loss: of('epoch'), val: of('eval', 'validation') }
}

test('the start of the run tells the rates that the batch of 8 leaves', () => {
  expect(logOf(path('whole'))[0]).toMatchObject({ rates: { lr: 3e-5, minLr: 3e-7 } })
})

test('config.json has the preset, and what was given over it', () => {
  expect(JSON.parse(readFileSync(path('whole/config.json'), 'utf8'))).toMatchObject({
    preset: 'reference',
    epochs: 3,
    batchSize: 8,
    lr: 1e-4,
    minLr: 1e-6,
    fitLr: true,
    optimizer: 'adamw',
    betas: [0.9, 0.999],
    eps: 1e-8,
    weightDecay: 0.01,
    decayAll: true,
    schedule: 'epoch-cosine',
    reduction: 'sum',
    preCaption: true,
    augment: 'imagenet',
    evalEvery: 2,
    weightsEvery: 1,
    weightsDtype: 'fp16',
  })
})

describe.each(['whole', 'parts'])('the run that was done in %s', (out) => {
  test('keeps the losses of each epoch, a number a line', () => {
    const { loss, val } = lossesOf(out)
    expect(loss).toHaveLength(3)
    expect(lines(out, 'epoch_loss.txt').map(Number)).toEqual(loss)
    expect(lines(out, 'epoch_val_loss.txt').map(Number)).toEqual(val)
    // Of the order of two cross-entropies over 8 pairs, 2 ln 8.
    for (const x of [...loss, ...val]) expect(x).toBeGreaterThan(3)
  })

  test('keeps the recall of every second epoch and of the last, under names', () => {
    const [names, ...rows] = lines(out, 'epoch_recall.txt').map((line) => line.split('\t'))
    expect(names).toEqual(['epoch', ...NAMES])
    expect(rows.map(([epoch]) => epoch)).toEqual(['2', '3'])
    const evals = logOf(path(out)).flatMap((e) => (e.type === 'eval' ? [e.recall] : []))
    expect(rows.map((row) => row.slice(1).map(Number))).toEqual(
      evals.map((recall) => NAMES.map((name) => recall[name as keyof typeof recall])),
    )
  })

  test('keeps scalars loss and val_loss for TensorBoard', () => {
    const { loss, val } = lossesOf(out)
    const [header, ...events] = readEvents(join(path(out), EVENT_FILE))
    expect(header).toMatchObject({ version: 'brain.Event:2' })
    const of = (tag: string) => events.filter((e) => e.tag === tag).map(({ step, value }) => [step, value])
    expect(of('loss')).toEqual(loss.map((x, epoch) => [epoch, Math.fround(x)]))
    expect(of('val_loss')).toEqual(val.map((x, epoch) => [epoch, Math.fround(x)]))
    expect(events).toHaveLength(6)
    for (const { seconds } of events) expect(Math.abs(seconds - Date.now() / 1000)).toBeLessThan(600)
  })

  test('keeps weights by epoch and losses, the best and the last, in half precision', async () => {
    const { loss, val } = lossesOf(out)
    const named = loss.map((x, i) => `ep00${i + 1}-loss${x.toFixed(3)}-val_loss${val[i]!.toFixed(3)}`)
    expect(readdirSync(join(path(out), 'weights')).sort()).toEqual(
      ['best_epoch_weights', 'last_epoch_weights', ...named].sort(),
    )
    const weights = (name: string) => readSafetensors(join(path(out), 'weights', name, 'open_clip_model.safetensors'))
    const projection = async (name: string) => (await weights(name)).tensors.text_projection!
    expect((await projection(named[0]!)).dtype).toBe('F16')
    expect(await projection('last_epoch_weights')).toEqual(await projection(named[2]!))
    const best = val.indexOf(Math.min(...val))
    expect(await projection('best_epoch_weights')).toEqual(await projection(named[best]!))
    expect(await projection(named[0]!)).not.toEqual(await projection(named[1]!))
    await using clip = await Clip.load(join(path(out), 'weights', 'best_epoch_weights'))
    expect(clip.config.embed_dim).toBeGreaterThan(0)
  })

  test('draws its losses and recall', async () => {
    for (const plot of ['loss.png', 'epoch_loss.png', 'recall.png'])
      expect((await sharp(join(path(out), plot)).metadata()).format, plot).toBe('png')
  })
})

test('a run in parts leaves the same text as one without a break', () => {
  for (const file of ['epoch_loss.txt', 'epoch_val_loss.txt', 'epoch_recall.txt'])
    expect(lines('parts', file)).toEqual(lines('whole', file))
})

test('the rate goes by epoch, fitted to the batch', () => {
  const rates = logOf(path('whole')).flatMap((e) => (e.type === 'step' ? [e.lr] : []))
  // 1e-4 · 8 / 64 is below 3e-5.
  for (const [i, lr] of rates.entries()) expect(lr).toBeCloseTo([3e-6, 3e-6, 3e-5, 3e-5, 3e-7, 3e-7][i]!, 15)
})

test('decay falls on all parameters', async () => {
  const scale = async (decayAll: boolean) => {
    const out = path(`decay-${decayAll}`)
    await train({ ...options, ...lists, out, epochs: 1, weightDecay: 1000, decayAll }).result
    const { tensors } = await readSafetensors(join(out, 'checkpoints/last/open_clip_model.safetensors'))
    return tensors['ln_final.weight']!.data[0] as number
  }
  // Two steps of lr 3e-6.
  expect(await scale(false)).toBeCloseTo(1, 3)
  expect(await scale(true)).toBeCloseTo(0.994, 3)
})

test('without the preset, no weights of epochs', async () => {
  await train({ data: lists.data, model: MODEL, batchSize: 8, epochs: 1, threads: 1, out: path('plain') }).result
  expect(existsSync(path('plain/weights'))).toBe(false)
})
