/** How fast this machine encodes. */
import { existsSync } from 'node:fs'
import { z } from 'zod'
import { invalid } from '../base/errors.js'
import { parseOptions, shapeOf } from '../base/options.js'
import { Clip } from '../clip/clip.js'
import type { CreateOptions } from '../clip/open-options.js'
import { ENCODING_PRECISION, RUN_OPTIONS } from '../clip/run-options.js'
import { sessionOf } from '../clip/session.js'
import type { ModelConfig } from '../models/config.js'
import type { Device } from '../native/device-name.js'
import type { EncodingPrecision } from '../native/names.js'
import { peakRssMiB, timesOf } from './measured.js'
import { syntheticBatch } from './synthetic-batch.js'

/** What is measured. */
export type BenchInferOptions = {
  /** 'image' by default. */
  tower?: 'image' | 'text'
  /** A built-in model, whose weights are then random, or a checkpoint's path; 'ViT-B-32' by default. */
  model?: string | ModelConfig
  /** 'auto' by default: the best there is. */
  device?: Device
  /** 'fp32' by default; 'int8' is for models that only encode. */
  precision?: EncodingPrecision
  /** Of a model that holds each weight once (`Clip.load` with `trainable: false`); false by default, unless the precision is 'int8'. */
  encodeOnly?: boolean
  /** Pictures or captions a call; 1 by default. */
  batchSize?: number
  /** Of each caption, its first and last included; 20 by default. */
  tokens?: number
  /** How long calls are measured, after one that warms up; 3 by default. */
  seconds?: number
  /** Of the model's own team; as many as the process may keep busy by default. */
  threads?: number
}

/** How fast one tower encodes, and the memory of the process that did. */
export type BenchInferResult = {
  device: string
  tower: 'image' | 'text'
  /** Whether the model holds each weight once. */
  encodeOnly: boolean
  /** Pictures or captions, by the fastest call. */
  perSecond: number
  /** Of calls. */
  bestMs: number
  medianMs: number
  calls: number
  /** Resident memory of the process between calls, and the most so far. */
  rssMiB: number
  peakRssMiB: number
}

const count = z.int().min(1)
const schema = z.strictObject({
  ...shapeOf({ device: RUN_OPTIONS.device, precision: ENCODING_PRECISION, threads: RUN_OPTIONS.threads }, z),
  encodeOnly: z.boolean().default(false),
  tower: z.enum(['image', 'text']).default('image'),
  model: z.custom<string | ModelConfig>().default('ViT-B-32'),
  batchSize: count.default(1),
  tokens: count.default(20),
  seconds: z.number().positive().default(3),
})

/**
 * Features of uint8 pictures of the model's size, or of captions of one length.
 * @throws ClipwrightError ERR_INVALID_ARGUMENT, ERR_UNKNOWN_MODEL, ERR_NO_CUDA, ERR_OUT_OF_MEMORY, and what `Clip.load` throws
 */
export async function benchInfer(options: BenchInferOptions = {}): Promise<BenchInferResult> {
  const o = parseOptions(schema, options, 'benchInfer')
  const { model, tower, batchSize, tokens, seconds, threads, encodeOnly, ...run } = o
  const how = { ...run, ...(threads && { threads }), ...(encodeOnly && { trainable: false }) }
  const isPath = typeof model === 'string' && existsSync(model)
  const clip = await (isPath ? Clip.load(model, how) : Clip.create(model, how as CreateOptions))
  try {
    const session = sessionOf(clip, 'benchInfer')
    const { vision, text } = session.model
    if (tokens > text.contextLength)
      throw invalid(`benchInfer: option "tokens": the model takes ${text.contextLength} at most, got ${tokens}`)
    const batch = syntheticBatch(batchSize, vision.imageSize, text, tokens)
    const encode =
      tower === 'image'
        ? () => clip.encodeImages(batch.images, { batchSize })
        : () => clip.encodeTexts(batch.tokens, { batchSize })
    const { bestMs, medianMs, runs } = await timesOf(encode, seconds)
    return {
      device: clip.device,
      tower,
      encodeOnly: !session.trainable,
      perSecond: (1000 * batchSize) / bestMs,
      bestMs,
      medianMs,
      calls: runs,
      rssMiB: process.memoryUsage.rss() / 2 ** 20,
      peakRssMiB: peakRssMiB(),
    }
  } finally {
    await clip.dispose()
  }
}
