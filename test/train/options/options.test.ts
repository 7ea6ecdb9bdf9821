import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { parseTrainOptions } from '../../../lib/train/options/parse.js'
import { PRESETS } from '../../../lib/train/options/presets.js'
import { resumedOptions } from '../../../lib/train/options/resume.js'

const parse = (options: object) => parseTrainOptions({ data: 'x', model: 'ViT-tiny-test', ...options })

describe('the preset reference', () => {
  test('is the reference system’s training, value for value', () => {
    expect(parse({ preset: 'reference' })).toMatchObject({
      epochs: 100,
      batchSize: 128,
      lr: 1e-4,
      minLr: 1e-6,
      fitLr: true,
      optimizer: 'adamw',
      betas: [0.9, 0.999],
      eps: 1e-8,
      weightDecay: 1e-2,
      decayAll: true,
      schedule: 'epoch-cosine',
      reduction: 'sum',
      preCaption: true,
      augment: 'imagenet',
      interpolation: 'bilinear',
      convert: 'before',
      evalEvery: 1,
      validateEvery: 1,
      weightsEvery: 1,
      weightsDtype: 'fp16',
    })
  })

  test('gives way to what is given, and takes its own where undefined is given', () => {
    const given = { optimizer: 'lion', betas: [0.8, 0.9], lr: 2e-4, evalEvery: 0, epochs: undefined }
    const settings = parse({ preset: 'reference', ...given })
    expect(settings).toMatchObject({ ...given, epochs: 100, minLr: 2e-6, weightDecay: 1e-2 })
    // lion has no eps.
    expect(settings.eps).toBeUndefined()
    expect(() => parse({ preset: 'reference', optimizer: 'lion', eps: 1e-8 })).toThrow('option "eps"')
  })
})

describe('options', () => {
  test('have the defaults that their docs name', () => {
    expect(parse({})).toMatchObject({
      epochs: 30,
      batchSize: 64,
      lr: 5e-4,
      minLr: 0,
      optimizer: 'adamw',
      schedule: 'cosine',
      evalEvery: 1,
      validateEvery: 0,
      weightsEvery: 0,
    })
    expect(parse({ schedule: 'epoch-step' }).minLr).toBeCloseTo(5e-6, 12)
  })

  test.each([
    [{ lr: 1e-4, minLr: 1e-4 }],
    [{ schedule: 'const-cooldown', cooldown: 3, cooldownPower: 2 }],
    [{ schedule: 'epoch-step' }],
    [{ load: 'x', startEpoch: 1, epochs: 2 }],
    [{ resume: 'runs/x', out: join(process.cwd(), 'runs/x') }],
  ])('may be %j', (options) => {
    expect(parse(options)).toMatchObject(options)
  })

  test.each([
    [{ lr: 1e-4, minLr: 2e-4 }, 'option "minLr"'],
    [{ resume: 'runs/x', out: 'runs/y' }, 'option "out"'],
    [{ cooldownPower: 2 }, 'option "cooldownPower": belongs to schedule const-cooldown'],
    [{ schedule: 'epoch-cosine', warmup: 0 }, 'option "warmup"'],
    [{ load: 'x', startEpoch: 2, epochs: 2 }, 'option "startEpoch"'],
    [{ momentum: 1, optimizer: 'sgd' }, 'option "momentum"'],
  ])('may not be %j', (options, message) => {
    expect(() => parse(options)).toThrow(message)
  })
})

describe('a run that goes on', () => {
  const stored = {
    ...{ data: '/a', split: 'train', model: 'm', load: '/l', batchSize: 8, seed: 0, loss: 'infonce', strict: true },
    ...{ reduction: 'mean', optimizer: 'adamw', preCaption: false, augment: true, resize: 'crop', startEpoch: 0 },
    ...{ epochs: 2, betas: [0.9, 0.98], lr: 1e-3, keep: 1, freeze: ['visual.*'], device: 'cpu', threads: 2 },
  } as const

  test.each([
    ...[{ split: 'val' }, { model: 'n' }, { load: '/k' }, { batchSize: 9 }, { seed: 1 }],
    ...[{ loss: 'x' }, { reduction: 'sum' }, { optimizer: 'adam' }, { preCaption: true }, { augment: false }],
    ...[{ resize: 'squash' }, { strict: false }, { startEpoch: 1 }, { imageKey: 'file' }, { captionKey: 'text' }],
  ])('cannot change %j', (given) => {
    const key = Object.keys(given)[0] as keyof typeof stored
    expect(() => resumedOptions(stored as never, given as never)).toThrow(
      expect.objectContaining({
        code: 'ERR_INVALID_ARGUMENT',
        message: expect.stringContaining(
          `cannot change ${key} (${key in stored ? `was ${JSON.stringify(stored[key])}` : 'it had none'})`,
        ),
      }),
    )
  })

  test.each([
    ...[{ epochs: 3 }, { microBatch: 4 }, { checkpointing: true }, { lr: 1e-4 }, { minLr: 1e-9 }, { fitLr: true }],
    ...[{ betas: [0.9, 0.99] }, { eps: 1e-7 }, { momentum: 0.9 }, { weightDecay: 0 }, { decayAll: true }],
    ...[{ schedule: 'const' }, { warmup: 1 }, { cooldown: 1 }, { cooldownPower: 2 }, { maxGradNorm: 1 }],
    ...[{ precision: 'bf16' }, { device: 'cuda' }, { threads: 1 }, { freeze: [] }],
  ])('is another one with %j', (given) => {
    const { options, inexact } = resumedOptions(stored as never, given as never)
    expect(inexact).toEqual(Object.keys(given))
    expect(options).toEqual({ ...stored, ...given })
  })

  test('stays where it lies now, wherever it was made', () => {
    expect(resumedOptions({ ...stored, out: '/runs/x' } as never, { resume: '/runs/y' }).options).not.toHaveProperty(
      'out',
    )
  })

  test('is the same with all else, with the same values, and with undefined', () => {
    const same = { data: '/a', betas: [0.9, 0.98], freeze: ['visual.*'], epochs: undefined }
    const { options, inexact } = resumedOptions(stored as never, { ...same, data: '/b', keep: 5, logEvery: 2 } as never)
    expect(inexact).toEqual([])
    // Data may move; that they are the same is seen by their identity.
    expect(options).toEqual({ ...stored, data: '/b', keep: 5, logEvery: 2 })
  })
})

describe('the learning rate of weights that are given', () => {
  test('is a tenth of the one from scratch, unless something says another', () => {
    expect(parse({}).lr).toBe(5e-4)
    expect(parse({ load: 'weights' }).lr).toBe(5e-5)
    expect(parse({ load: 'weights', lr: 3e-4 }).lr).toBe(3e-4)
    expect(parse({ load: 'weights', preset: 'reference' }).lr).toBe(1e-4)
  })

  test.each(['hundreds', 'thousands', '100k', 'millions'] as const)(
    'is that of the preset %s, which needs weights',
    (preset) => {
      const { lr, weightDecay, epochs, optimizer } = parse({ load: 'weights', preset })
      expect(lr).toBe(PRESETS[preset].lr)
      expect(lr).toBeLessThan(5e-4)
      expect([optimizer, weightDecay, epochs]).toEqual(['adamw', PRESETS[preset].weightDecay, PRESETS[preset].epochs])
      expect(parse({ load: 'weights', preset, lr: 3e-6, epochs: 2 })).toMatchObject({ lr: 3e-6, epochs: 2 })
      expect(parse({ model: 'ViT-B-32', pretrained: 'openai', load: undefined, preset }).lr).toBe(lr)
      expect(() => parse({ model: 'ViT-B-32', load: undefined, preset })).toThrow(/option "preset": expected weights/)
    },
  )

  test('presets move more of a model, and less quickly, the more pairs there are', () => {
    const { hundreds, thousands, '100k': many, millions } = PRESETS
    expect(hundreds.loraRank).toBeLessThan(thousands.loraRank)
    expect([many, millions].some((preset) => 'loraRank' in preset)).toBe(false)
    expect(hundreds.epochs).toBeGreaterThan(millions.epochs)
  })
})
