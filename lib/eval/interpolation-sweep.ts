/** What weights between those of two checkpoints retrieve, on lists that ask for different things. */
import { z } from 'zod'
import { invalid } from '../base/errors.js'
import { parseOptions } from '../base/options.js'
import { requireRoomForModel } from '../checkpoint/save.js'
import { WeightPair } from '../checkpoint/weight-pair.js'
import { Clip } from '../clip/clip.js'
import type { EncodeProgress } from '../clip/encode-progress.js'
import { callback, encodeShape } from '../clip/encode-shape.js'
import { alphaSchema, writeBetween } from '../clip/interpolate.js'
import type { LoadOptions } from '../clip/open-options.js'
import { sessionOf } from '../clip/session.js'
import { hubOf } from '../hub/options.js'
import type { ModelConfig } from '../models/config.js'
import { PRECISIONS, type Precision } from '../native/names.js'
import { evaluateModel } from './evaluate-model.js'
import type { RecallTable } from './metrics.js'

/** What is tried, and on what it is measured. */
export type InterpolationSweepOptions = {
  /** 0 is `a`, 1 is `b`; 0, 0.1, … 1 by default. */
  alphas?: readonly number[]
  /** Lists of captioned pictures, as `evaluateModel` takes them. */
  val: readonly string[]
  /** Writes the weights that are best on average over the lists, as `interpolate` does. */
  out?: string
  /** What these are rounded to; 'fp32' by default. */
  dtype?: Precision
  /** The model of a path that does not say; by default the other's. */
  model?: string | ModelConfig
  /** Which entry of a nested file holds the weights, as `Clip.load` has it, in those of the two that have such an entry. */
  key?: string
  /** Pictures or captions at a time; 64 by default. */
  batchSize?: number
  /** Is told at the start and after each batch how far the encoding for one alpha and list is. */
  onProgress?: (progress: EncodeProgress) => void
  /** Rejects with `signal.reason`. */
  signal?: AbortSignal
  /** Where and how the model runs. */
  load?: LoadOptions
}

/** Recall in percent. */
export type InterpolationSweep = {
  val: string[]
  rows: {
    alpha: number
    /** One for each list. */
    recall: RecallTable[]
    /** The lists' mean recall, on average. */
    mean: number
  }[]
  /** The first one with the highest `mean`. */
  best: { alpha: number; mean: number }
  /** Where the best was written. */
  out?: string
}

const TENTHS = Array.from({ length: 11 }, (_, i) => i / 10)

const schema = z.strictObject({
  alphas: z.array(alphaSchema).min(1).default(TENTHS),
  val: z.array(z.string().min(1)).min(1, { error: () => 'expected at least one list' }),
  out: z.string().min(1).optional(),
  dtype: z.enum(PRECISIONS).default('fp32'),
  model: z.custom<string | ModelConfig>().optional(),
  key: z.string().min(1).optional(),
  batchSize: encodeShape.batchSize,
  onProgress: callback<NonNullable<InterpolationSweepOptions['onProgress']>>(),
  signal: encodeShape.signal,
  load: z.custom<LoadOptions>().optional(),
})

/**
 * Recall of (1 − alpha) · a + alpha · b for several alphas, for instance on the pictures that `b` was fine-tuned for and on
 * others. One model is in memory, into which the weights are mixed from the two paths each time.
 * @throws ClipwrightError as `interpolate` and `evaluateModel`; `signal.reason` when aborted
 */
export async function interpolationSweep(
  a: string,
  b: string,
  options: InterpolationSweepOptions,
): Promise<InterpolationSweep> {
  const { alphas, val, out, dtype, model, key, load, ...encode } = parseOptions(schema, options, 'interpolationSweep')
  if (load?.imageSize !== undefined || load?.contextLength !== undefined) {
    throw invalid(
      'interpolationSweep: option "load": weights are mixed as they are stored, so "imageSize" and "contextLength" cannot change; leave them away',
    )
  }
  if (out !== undefined) await requireRoomForModel(out, 'interpolationSweep')
  const pair = await WeightPair.open(a, b, { model, key, hub: load && hubOf(load) })
  try {
    const rows: InterpolationSweep['rows'] = []
    const { given, key: own } = pair
    const said = { ...(given !== undefined && { model: given }), ...(own !== undefined && { key: own }) }
    const clip = await Clip.load(a, { ...load, ...said })
    try {
      for (const alpha of alphas) {
        await mixInto(clip, pair, alpha)
        const recall: RecallTable[] = []
        for (const list of val) recall.push(recallOf(await evaluateModel(clip, list, encode)))
        rows.push({ alpha, recall, mean: recall.reduce((sum, one) => sum + one.r_mean, 0) / recall.length })
      }
    } finally {
      await clip.dispose()
    }
    const { alpha, mean } = rows.reduce((best, row) => (row.mean > best.mean ? row : best))
    if (out !== undefined) await writeBetween(pair, alpha, out, dtype)
    return { val, rows, best: { alpha, mean }, ...(out !== undefined && { out }) }
  } finally {
    await pair.close()
  }
}

async function mixInto(clip: Clip, pair: WeightPair, alpha: number): Promise<void> {
  const session = sessionOf(clip, 'interpolationSweep')
  for (const index of pair.parameters.keys()) {
    const data = await pair.read(index, alpha)
    await session.call((native) => native.write({ index, slot: 'value', first: 0, count: data.length, data }))
  }
}

function recallOf(r: RecallTable): RecallTable {
  const { txt_r1, txt_r5, txt_r10, txt_r_mean, img_r1, img_r5, img_r10, img_r_mean, r_mean } = r
  return { txt_r1, txt_r5, txt_r10, txt_r_mean, img_r1, img_r5, img_r10, img_r_mean, r_mean }
}
