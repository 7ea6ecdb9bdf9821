/** Weights between those of two checkpoints (WiSE-FT, https://arxiv.org/abs/2109.01903). */
import { z } from 'zod'
import { parseOptions } from '../base/options.js'
import { elementCount } from '../checkpoint/formats/dtypes.js'
import type { TensorNames } from '../checkpoint/layouts/layout.js'
import { toStored } from '../checkpoint/layouts/stored-parts.js'
import { requireRoomForModel, saveCheckpoint } from '../checkpoint/save.js'
import { WeightPair } from '../checkpoint/weight-pair.js'
import { checkPath } from '../files/check-path.js'
import { HUB_SHAPE, hubOf } from '../hub/options.js'
import type { HubOptions } from '../hub/settings.js'
import type { ModelConfig } from '../models/config.js'
import { PRECISIONS, type Precision } from '../native/names.js'

/** Where between the two, and where to. */
export type InterpolateOptions = HubOptions & {
  /** 0 is `a`, 1 is `b`. */
  alpha: number
  /** A folder in open_clip's layout, or one file when it ends in .safetensors; replaced as `Clip.save` does. */
  out: string
  /** What the weights are rounded to; 'fp32' by default. */
  dtype?: Precision
  /** The model of a path that does not say; by default the other's. */
  model?: string | ModelConfig
  /** Which entry of a nested file holds the weights, as `Clip.load` has it, in those of the two that have such an entry. */
  key?: string
}

/** What was written. */
export type InterpolatedWeights = { out: string; alpha: number; parameters: number }

export const alphaSchema = z.number().min(0).max(1)

const schema = z.strictObject({
  ...HUB_SHAPE,
  alpha: alphaSchema,
  out: z.string().min(1),
  dtype: z.enum(PRECISIONS).default('fp32'),
  model: z.custom<string | ModelConfig>().optional(),
  key: z.string().min(1).optional(),
})

/**
 * Writes (1 − alpha) · a + alpha · b of every parameter, `a` being for instance the model before and `b` the one after
 * fine-tuning: what is lost of the one in between is often less than what is won of the other. Parameters are read, mixed
 * and written one by one, so that memory holds three times the largest of them, and never a model.
 * @param a a checkpoint in any layout that `Clip.load` takes
 * @param b one of the same configuration, in any layout
 * @throws ClipwrightError ERR_MISMATCH naming what differs between the two configurations, or the tensors that are not those
 *   of a model; ERR_INVALID_ARGUMENT, ERR_NOT_FOUND, ERR_FORMAT, ERR_UNSAFE, ERR_UNSUPPORTED, ERR_IO
 *
 * @example
 * await interpolate('my-clip', 'runs/mine/checkpoints/best', { alpha: 0.5, out: 'between' })
 */
export async function interpolate(a: string, b: string, options: InterpolateOptions): Promise<InterpolatedWeights> {
  const { alpha, out, dtype, model, key, ...hub } = parseOptions(schema, options, 'interpolate')
  for (const path of [a, b, out]) checkPath(path, 'interpolate')
  await requireRoomForModel(out, 'interpolate')
  const pair = await WeightPair.open(a, b, { model, key, hub: hubOf(hub) })
  try {
    return await writeBetween(pair, alpha, out, dtype)
  } finally {
    await pair.close()
  }
}

/** @throws ClipwrightError ERR_INVALID_ARGUMENT when something else lies there, ERR_IO */
export async function writeBetween(
  pair: WeightPair,
  alpha: number,
  out: string,
  dtype: Precision,
): Promise<InterpolatedWeights> {
  const tensors = (names: TensorNames) =>
    pair.parameters.flatMap((parameter, index) =>
      names.partsOf(parameter).map((part) => {
        const read = async () => {
          const values = await pair.read(index, alpha)
          return toStored(part, values.subarray(part.first, part.first + elementCount(part.shape)))
        }
        return [part.name, { shape: part.shape, read }] as const
      }),
    )
  const { description, tokenizer, model } = pair
  const { contextLength } = model.text
  await saveCheckpoint(out, { layout: 'open_clip', dtype }, 'interpolate', {
    ...description,
    tokenizer,
    contextLength,
    tensors,
  })
  const parameters = pair.parameters.reduce((sum, { shape }) => sum + elementCount(shape), 0)
  return { out, alpha, parameters }
}
