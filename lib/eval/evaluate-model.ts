/** Retrieval on captioned pictures, and by what protocol it was measured. */
import { z } from 'zod'
import { parseOptions } from '../base/options.js'
import type { Clip } from '../clip/clip.js'
import { cutTextsWarning } from '../clip/cut-texts.js'
import type { EncodeProgress } from '../clip/encode-progress.js'
import { callback, encodeShape, truncationSchema } from '../clip/encode-shape.js'
import type { LoadOptions } from '../clip/open-options.js'
import { sessionOf } from '../clip/session.js'
import { type SkippedImage, skippedImages } from '../clip/skipped-images.js'
import { pathOf, withModel } from '../clip/with-model.js'
import { openSource } from '../data/open.js'
import { type ProtocolName, protocols } from '../data/protocols.js'
import type { DataSource } from '../data/source.js'
import { checkPath } from '../files/check-path.js'
import type { PreprocessConfig } from '../image/preprocess-config.js'
import { requireAgreement } from '../ranks/agree.js'
import { ALONE, type World } from '../ranks/world.js'
import { preCaption } from '../tokenizer/pre-caption.js'
import type { Truncation } from '../tokenizer/truncation.js'
import { type Bootstrap, bootstrapSchema } from './bootstrap.js'
import { captionCounts, evalSet, joinedNote } from './eval-set.js'
import { protocolWarning } from './protocol.js'
import { rankSet } from './rank.js'
import type { RetrievalResult } from './retrieval.js'

/** What is measured, and how. */
export type EvaluateOptions = {
  /** Of data that have splits; 'test' by default. */
  split?: string
  /** What published figures the result is held against; by default what the data are made for: 'flickr' for Karpathy's, 'muge' for Chinese-CLIP's. */
  protocol?: ProtocolName
  /** Of lists and tables: the key or column with the picture's path; 'image' or 'filepath' by default. */
  imageKey?: string
  /** The one with its caption; 'caption' or 'title' by default. */
  captionKey?: string
  /** Whether pictures may lie outside the list's folder; false by default. */
  absolutePaths?: boolean
  /** Cleans captions by {@link preCaption}; false by default. */
  preCaption?: boolean
  /** Each caption is put in place of `{}`, as in 'a photo of {}'. */
  prompt?: string
  /** Whether captions that are longer than the context are cut ('cut', the default) or an error. */
  truncation?: Truncation
  /** Asks for 95 % intervals. */
  bootstrap?: Bootstrap
  /** Pictures or captions at a time; 64 by default. */
  batchSize?: number
  /** Leaves out pictures that cannot be read, with their captions, and lists them; by default they are an error. */
  skipBad?: boolean
  /** Is told at the start and after each batch how far the encoding is. */
  onProgress?: (progress: EncodeProgress) => void
  /** Rejects with `signal.reason`. */
  signal?: AbortSignal
  /** How a model that is given as a path is loaded. */
  load?: LoadOptions
}

/** By what recall was measured: without it, two recalls cannot be compared. */
export type EvaluationProtocol = {
  name: ProtocolName
  /** The file that names the captions. */
  data: string
  /** What kind of data it is, such as 'list', 'karpathy' or 'muge'. */
  format: string
  split: string | null
  captionsPerPicture: { least: number; most: number; mean: number }
  cleaning: 'preCaption' | null
  prompt: string | null
  preprocessing: PreprocessConfig
  contextLength: number
  precision: string
  /** What the intervals cover, and what they were drawn by. */
  interval: { share: number; over: 'pictures'; samples: number; seed: number } | null
}

/** Recall in percent, what was measured and by what protocol. */
export type ModelEvaluation = RetrievalResult & {
  /** How many there were. */
  images: number
  captions: number
  protocol: EvaluationProtocol
  /** What makes the result unlike what the protocol's name promises. */
  warnings: string[]
  /** With `skipBad`: pictures that were left out. */
  skipped: SkippedImage[]
}

const schema = z.strictObject({
  split: z.string().optional(),
  protocol: z.enum(Object.keys(protocols) as ProtocolName[]).optional(),
  imageKey: z.string().min(1).optional(),
  captionKey: z.string().min(1).optional(),
  absolutePaths: z.boolean().optional(),
  preCaption: z.boolean().default(false),
  prompt: z
    .string()
    .refine((text) => text.includes('{}'), { error: 'expected {} in the template' })
    .optional(),
  truncation: truncationSchema,
  bootstrap: bootstrapSchema.optional(),
  batchSize: encodeShape.batchSize,
  skipBad: z.boolean().default(false),
  onProgress: callback<NonNullable<EvaluateOptions['onProgress']>>(),
  signal: encodeShape.signal,
  load: z.custom<LoadOptions>().optional(),
})

/**
 * Encodes every picture of a list once and all captions, and ranks each among all.
 * @param model a model, or the path of one, which is then loaded, once the list has been read, and disposed afterwards
 * @param data path of a list (JSON, JSON Lines, CSV), of Karpathy's or COCO's JSON, or of Chinese-CLIP's folder, or shards, Parquet or a folder
 * @throws ClipwrightError ERR_INVALID_ARGUMENT, ERR_NOT_FOUND, ERR_DATA and ERR_FORMAT naming the list's entry, ERR_IMAGE
 *   naming the picture, what `Clip.load` throws; `signal.reason` when aborted
 *
 * @example
 * const { r_mean, protocol } = await evaluateModel('runs/mine/checkpoints/best', 'val.json')
 */
export function evaluateModel(
  model: Clip | string,
  data: string,
  options: EvaluateOptions = {},
): Promise<ModelEvaluation> {
  return evaluateModelOn(ALONE, model, data, options)
}

/** `evaluateModel` by ranks that are all given the same. @throws as it does, and ERR_MISMATCH where they are not */
export async function evaluateModelOn(
  world: World,
  model: Clip | string,
  data: string,
  options: EvaluateOptions,
): Promise<ModelEvaluation> {
  const o = parseOptions(schema, options, 'evaluateModel')
  checkPath(data, 'evaluateModel', 'captioned pictures')
  const { split, imageKey, captionKey, absolutePaths } = o
  const source = await openSource(data, { split, use: 'test', absolutePaths, imageKey, captionKey })
  const name = o.protocol ?? source.protocol
  const given = await evalSet(source)
  const whole = { ...given, captions: given.captions.map((caption) => prepared(caption, o)) }
  const { captions } = whole
  const facts = {
    '--model': pathOf(model),
    '--data': await source.identity(),
    captions: captions.length,
    '--prompt': o.prompt ?? null,
  }
  await requireAgreement(world, facts, 'eval: all ranks must measure the same')
  return withModel(model, { threads: world.threads, ...o.load }, async (clip, modelName) => {
    const { recall, set, bad } = await rankSet(clip, whole, { ...o, name: modelName, world })
    const counts = captionCounts(set)
    return {
      ...recall,
      images: set.images.length,
      captions: set.captions.length,
      protocol: { ...described(name, source, counts, o), ...describedModel(clip), interval: interval(o.bootstrap) },
      warnings: [
        ...(source.notes ?? []),
        protocolWarning(name, counts, source.path),
        joinedNote(given, source.path),
        cutTextsWarning(clip, captions, o.truncation, 'evaluateModel'),
        skippingWarning(bad.length, whole.images.length),
      ].filter((warning) => warning !== undefined),
      skipped: skippedImages(bad),
    }
  })
}

function skippingWarning(left: number, total: number): string | undefined {
  if (left === 0) return undefined
  return `${left} of ${total} pictures cannot be read and were left out with their captions, so recall is not comparable with that of the whole set.`
}

type Parsed = z.output<typeof schema>

function prepared(caption: string, o: Parsed): string {
  const clean = o.preCaption ? preCaption(caption) : caption
  return o.prompt === undefined ? clean : o.prompt.replaceAll('{}', () => clean)
}

function described(name: ProtocolName, source: DataSource, counts: number[], o: Parsed) {
  return {
    name,
    data: source.path,
    format: source.format,
    split: source.split ?? null,
    captionsPerPicture: spread(counts),
    cleaning: o.preCaption ? ('preCaption' as const) : null,
    prompt: o.prompt ?? null,
  }
}

function describedModel(clip: Clip) {
  return {
    preprocessing: clip.preprocess,
    contextLength: sessionOf(clip, 'evaluateModel').model.text.contextLength,
    precision: clip.precision,
  }
}

function interval(bootstrap: Parsed['bootstrap']): EvaluationProtocol['interval'] {
  return bootstrap ? { share: 0.95, over: 'pictures', ...bootstrap } : null
}

function spread(counts: number[]): EvaluationProtocol['captionsPerPicture'] {
  let [least, most, total] = [Number.POSITIVE_INFINITY, 0, 0]
  for (const count of counts) {
    least = Math.min(least, count)
    most = Math.max(most, count)
    total += count
  }
  return { least, most, mean: total / counts.length }
}
