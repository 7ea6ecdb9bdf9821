/** A run that learns from a teacher. */
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { Clip } from '../../lib/clip/clip.js'
import { Distillation } from '../../lib/loss/distillation.js'
import { InfoNCE } from '../../lib/loss/info-nce.js'
import type { ModelConfig } from '../../lib/models/config.js'
import { Sgd } from '../../lib/optim/rules.js'
import { train } from '../../lib/train/run.js'
import { images, TINY, TINY_CHINESE, tokens } from '../clip/tiny.js'
import { captionList, temporaryFolder } from './pictures.js'
import { digestsOf, LIGHT, logOf, STATE, stepsOf, WEIGHTS } from './runs.js'

const folder = temporaryFolder()
const path = (name: string) => join(folder, name)
const run = { device: 'cpu', threads: 1 } as const
/** 4 steps an epoch, 8 in all. */
const options = { ...run, model: LIGHT, batchSize: 8, epochs: 2, lr: 1e-3, augment: false } as const
const lossesOf = (out: string) => stepsOf(logOf(path(out))).map(({ loss }) => loss)
let data: string

async function saved(name: string, model: ModelConfig, seed = 5): Promise<string> {
  await using clip = await Clip.create(model, { ...run, seed })
  await clip.save(path(name))
  return path(name)
}

beforeAll(async () => {
  data = await captionList(folder, 'train', 36)
})

describe('Distillation', () => {
  const dim = 24
  /** Rows of length 1. */
  const rows = (n: number, seed: number) => {
    const data = Float32Array.from({ length: n * dim }, (_, i) => Math.sin(seed + i * i))
    for (let r = 0; r < n; r++) {
      const row = data.subarray(r * dim, (r + 1) * dim)
      const length = Math.hypot(...row)
      for (let i = 0; i < dim; i++) row[i]! /= length
    }
    return { shape: [n, dim], data }
  }
  type Features = { shape: number[]; data: Float32Array }
  const dot = (a: Features, i: number, b: Features, j: number) => {
    const width = a.shape[1]!
    let sum = 0
    for (let k = 0; k < width; k++) sum += a.data[i * width + k]! * b.data[j * width + k]!
    return sum
  }
  const logits = (a: Features, b: Features, scale: number) =>
    Array.from({ length: a.shape[0]! }, (_, i) =>
      Array.from({ length: b.shape[0]! }, (_, j) => scale * dot(a, i, b, j)),
    )
  const transposed = (m: number[][]) => m[0]!.map((_, j) => m.map((row) => row[j]!))
  const logSoftmax = (row: number[]) => {
    const lse = Math.log(row.reduce((sum, x) => sum + Math.exp(x), 0))
    return row.map((x) => x - lse)
  }
  /** open_clip's `dist_loss`. */
  const crossEntropy = (teacher: number[][], student: number[][]) =>
    teacher.reduce((sum, row, i) => {
      const [t, s] = [logSoftmax(row), logSoftmax(student[i]!)]
      return sum - t.reduce((all, x, j) => all + Math.exp(x) * s[j]!, 0)
    }, 0) / teacher.length

  const n = 6
  const teacher = { images: rows(n, 1), texts: rows(n, 2), logitScale: 8 }
  const batch = { images: images(n), tokens: tokens(n) }

  test('by logits is open_clip’s DistillClipLoss', async () => {
    await using clip = await Clip.create(TINY, run)
    const [a, b] = [await clip.encodeImages(batch.images), await clip.encodeTexts(batch.tokens)]
    const student = logits(a, b, await clip.logitScale())
    const taught = logits(teacher.images, teacher.texts, teacher.logitScale)
    const expected = (crossEntropy(taught, student) + crossEntropy(transposed(taught), transposed(student))) / 2
    const pairs = (await clip.forwardBackward(batch, new InfoNCE())).loss
    const { loss } = await clip.forwardBackward(batch, new Distillation({ weight: 0.7 }), { teacher })
    expect(loss).toBeCloseTo(pairs + 0.7 * expected, 4)
    const micro = await clip.forwardBackward(batch, new Distillation({ weight: 0.7 }), { teacher, microBatch: 2 })
    expect(micro.loss).toBeCloseTo(loss, 4)
    expect((await clip.forwardBackward(batch, new Distillation())).loss).toBeCloseTo(pairs, 5)
  })

  test('by logits leaves pairs of one group out of the loss over pairs alone', async () => {
    await using clip = await Clip.create(TINY, run)
    const projection = clip.parameters().find(({ name }) => name === 'visual.proj')!
    const step = async (loss: InfoNCE | Distillation, groups?: string[]) => {
      const given = { ...batch, ...(groups && { groups }) }
      const { loss: value } = await clip.forwardBackward(given, loss, loss instanceof InfoNCE ? {} : { teacher })
      const { data } = await projection.readGrad()
      await new Sgd(clip, { lr: 0 }).step() // which clears them
      return { value, data }
    }
    const [pairs, both] = [new InfoNCE(), new Distillation({ weight: 0.7 })]
    const groups = ['a', 'b', 'a', 'c', 'a', 'b']
    const found = await step(both, groups)
    const parts = [await step(pairs, groups), await step(both), await step(pairs)] as const
    expect(found.value).toBeCloseTo(parts[0].value + parts[1].value - parts[2].value, 4)
    expect(parts[0].value).toBeLessThan(parts[2].value - 0.1)
    for (const [i, x] of found.data.entries()) {
      expect(x).toBeCloseTo(parts[0].data[i]! + parts[1].data[i]! - parts[2].data[i]!, 5)
    }
    const apart = await step(both, ['1', '2', '3', '4', '5', '6'])
    expect(apart.value).toBeCloseTo(parts[1].value, 5)
    for (const [i, x] of apart.data.entries()) expect(x).toBeCloseTo(parts[1].data[i]!, 6)
  })

  test.each(['logits', 'features'] as const)('by %s has the gradients that differences have', async (by) => {
    const loss = new Distillation({ by, weight: 3 })
    for (const name of ['visual.proj', 'text_projection', 'visual.conv1.weight']) {
      await using clip = await Clip.create({ ...TINY, embed_dim: dim }, run)
      const parameter = clip.parameters().find((p) => p.name === name)!
      await clip.forwardBackward(batch, loss, { teacher })
      const [grad, value] = [await parameter.readGrad(), await parameter.read()]
      const norm = Math.hypot(...grad.data)
      // Along the gradient.
      const at = async (h: number) => {
        const data = value.data.map((x, i) => x + (h * grad.data[i]!) / norm)
        await parameter.write({ shape: value.shape, data })
        return (await clip.forwardBackward(batch, loss, { teacher })).loss
      }
      const h = 1e-2
      const difference = ((await at(h)) - (await at(-h))) / (2 * h)
      expect(Math.abs(difference - norm)).toBeLessThan(0.03 * norm + 1e-3)
    }
  })

  test('by features is the mean of 1 - cos', async () => {
    await using clip = await Clip.create({ ...TINY, embed_dim: dim }, run)
    const [a, b] = [await clip.encodeImages(batch.images), await clip.encodeTexts(batch.tokens)]
    let cosines = 0
    for (let i = 0; i < n; i++) cosines += dot(a, i, teacher.images, i) + dot(b, i, teacher.texts, i)
    const pairs = (await clip.forwardBackward(batch, new InfoNCE())).loss
    const { loss } = await clip.forwardBackward(batch, new Distillation({ by: 'features', weight: 0.5 }), { teacher })
    expect(loss).toBeCloseTo(pairs + 0.5 * (1 - cosines / (2 * n)), 4)
  })

  test.each([
    ['images.shape', { ...teacher, images: rows(n - 1, 1) }],
    ['logitScale', { ...teacher, logitScale: -1 }],
    ['texts.data', { ...teacher, texts: { shape: [n, dim], data: new Float32Array(3) } }],
  ])('refuses a teacher of other %s', async (what, wrong) => {
    await using clip = await Clip.create(TINY, run)
    await expect(clip.forwardBackward(batch, new Distillation(), { teacher: wrong })).rejects.toMatchObject({
      code: 'ERR_INVALID_ARGUMENT',
      message: expect.stringContaining(what),
    })
  })
})

describe('train with a teacher', () => {
  test('goes on to the same bits when it is resumed, and to other weights than without', async () => {
    const distill = await saved('teacher', { ...LIGHT, embed_dim: 32 })
    const given = { ...options, distill, data }
    await train({ ...given, out: path('whole') }).result
    const stopped = train({ ...given, out: path('stopped') })
    for await (const event of stopped) if (event.type === 'step' && event.step === 3) break
    await stopped.stop()
    await train({ resume: path('stopped') }).result
    for (const file of [WEIGHTS, STATE])
      expect(await digestsOf(path('stopped'), file)).toEqual(await digestsOf(path('whole'), file))
    await train({ ...options, data, out: path('alone') }).result
    const [whole, alone] = [lossesOf('whole'), lossesOf('alone')]
    for (const [i, loss] of whole.entries()) expect(loss).toBeGreaterThan(alone[i]! + 1)
  })

  test('brings the features nearer to a teacher’s that sees larger pictures', async () => {
    const larger: ModelConfig = { ...LIGHT, vision_cfg: { ...LIGHT.vision_cfg, image_size: 48 } }
    const distill = await saved('larger', larger)
    const given = {
      ...options,
      distill,
      distillKind: 'features' as const,
      distillWeight: 10,
      lr: 1e-2,
      data,
      epochs: 4,
    }
    await train({ ...given, augment: true, out: path('nearer') }).result
    const losses = lossesOf('nearer')
    expect(losses.at(-1)).toBeLessThan(losses[0]! - 2)
  })

  test.each([
    ['another tokenizer (the student\'s is "clip", the teacher\'s "bert")', 'bert', {}],
    ["another embed_dim (the student's is 16, the teacher's 32", 'wide', { distillKind: 'features' }],
  ] as const)('says what the two have different: %s', async (message, kind, given) => {
    const model = kind === 'bert' ? { ...TINY_CHINESE, vision_cfg: LIGHT.vision_cfg } : { ...LIGHT, embed_dim: 32 }
    const distill = await saved(kind, model)
    await expect(train({ ...options, ...given, distill, data, out: path('refused') }).result).rejects.toMatchObject({
      code: 'ERR_MISMATCH',
      message: expect.stringContaining(message),
    })
  })

  test.each([
    ['distillWeight', { distillWeight: 2 }],
    ['distillKind', { distillKind: 'features' as const }],
    [
      'a teacher goes with the loss infonce alone, and the loss is siglip; leave "loss" away to train with infonce',
      { distill: 'x', loss: 'siglip' as const },
    ],
  ])('refuses what belongs to no teacher: %s', async (message, given) => {
    await expect(train({ ...options, ...given, data, out: path('refused') }).result).rejects.toMatchObject({
      code: 'ERR_INVALID_ARGUMENT',
      message: expect.stringContaining(message),
    })
  })
})
