/** A training batch on its way into the core. */

import { z } from 'zod'
import { requireArray } from '../base/arrays.js'
import { isArray, isPromise } from '../base/brands.js'
import { invalid } from '../base/errors.js'
import { parseOptions, show } from '../base/options.js'
import type { Images, Tokens } from '../base/types.js'
import type { PreprocessConfig } from '../image/preprocess-config.js'
import type { Loss } from '../loss/loss.js'
import type { NativeBatch, NativeFeatures } from '../native/batch.js'
import type { NativeModel } from '../native/model.js'
import type { PackedTexts, Tokenizer } from '../tokenizer/tokenizer.js'
import { imageBatches } from './images.js'
import { nativeTeacher, type TeacherFeatures } from './teacher.js'
import { textSource } from './texts.js'

/** Matching pairs: image i belongs to caption i. */
export type Batch = {
  images: Images
  tokens: Tokens | string[]
  /**
   * One for each pair, where some show one picture or say one thing: pairs with equal ones are no wrong pairs of each other, and
   * losses leave them out. Without, every caption but its own is wrong for a picture.
   */
  groups?: Groups
}

/** A batch of our own: its captions as the tokenizer packs them, and of a tower that learns nothing its features, where they are known. */
export type PackedBatch = { images: Images | Features; tokens: PackedTexts | Features; groups?: Groups }

/** [count, embed_dim], as the tower makes them: not normalised. */
export type Features = NativeFeatures

/** Compared with each other and nothing else: ids, hashes, names. */
export type Groups = Int32Array | readonly (string | number)[]

/** How a batch goes through the towers. */
export type BatchOptions = {
  /**
   * Pairs at a time through the towers, in bounded memory; the loss still sees the whole batch, at a third more work
   * (GradCache, https://arxiv.org/abs/2101.06983). All at once by default.
   */
  microBatch?: number
  /** Keep half of what the backward pass reads, and compute norms, attention and the MLPs' hidden units again. */
  checkpointing?: boolean
  /** Halves `microBatch` as often as a step finds no memory; a step that fails is an error otherwise. */
  mayHalve?: boolean
  /** Keep the rows of captions that cannot influence the features, for measuring what leaving them out saves. */
  fullContext?: boolean
  /**
   * Leaves out this share of each picture's patches (https://arxiv.org/abs/2212.00794), at least one stays: other ones at each
   * `step`, drawn from `seed`. All patches without, whatever the model's `vision_cfg.patch_dropout` says.
   */
  patchDropout?: { rate: number; seed: number; step: number }
  /**
   * Leaves activations out as the model's own rates say (a BERT-like tower's `hidden_dropout_prob` and
   * `attention_probs_dropout_prob`, https://jmlr.org/papers/v15/srivastava14a.html): other ones at each `step`, drawn from `seed`, and
   * the same ones whatever `microBatch` and `checkpointing`. None without.
   */
  dropout?: { seed: number; step: number }
  /** What a teacher makes of the same pairs, for a loss that learns from one (`Distillation`). */
  teacher?: TeacherFeatures
  /** Whether the step gives back what it found of each pair: the log-sum-exp of its row of logits, of its column, and its own. */
  statistics?: boolean
  /** The batch is this rank's share of a larger one: the number of its first pair there, and how many that has. */
  share?: { first: number; total: number }
}

/** What of a model a batch is made for. */
export type BatchTarget = { model: NativeModel; preprocess: PreprocessConfig; tokenizer: Tokenizer }

const drawn = { seed: z.int().min(0), step: z.int().min(0).max(0xffffffff) }

const schema = z.strictObject({
  microBatch: z.int().min(1).optional(),
  checkpointing: z.boolean().default(false),
  mayHalve: z.boolean().default(false),
  fullContext: z.boolean().default(false),
  patchDropout: z.strictObject({ rate: z.number().min(0).lt(1), ...drawn }).optional(),
  dropout: z.strictObject(drawn).optional(),
  teacher: z.custom<TeacherFeatures>().optional(),
  statistics: z.boolean().default(false),
  share: z.strictObject({ first: z.int().min(0), total: z.int().min(1) }).optional(),
})

/**
 * Checks the batch and lays it out. Arrays of images are not copied but handed on: the core copies them in the call
 * that this leads to (`forwardBackward`), at once unless pictures have to be decoded first, or reads them there (`step`).
 * @throws ClipwrightError ERR_INVALID_ARGUMENT, ERR_MISMATCH; as a rejection what decoding throws
 */
export function prepareBatch(
  target: BatchTarget,
  batch: Batch | PackedBatch,
  loss: Loss,
  options: BatchOptions | undefined,
  where: string,
): NativeBatch | Promise<NativeBatch> {
  const { microBatch, checkpointing, mayHalve, fullContext, patchDropout, dropout, teacher, statistics, share } =
    parseOptions(schema, options, where)
  const { model, preprocess, tokenizer } = target
  const { images, tokens, groups } = Object(batch) as Batch | PackedBatch
  const pictures = areFeatures(images)
    ? known(images)
    : imageBatches(images, model.vision, preprocess, () => false, `${where}: images`)
  const texts = areFeatures(tokens)
    ? known(tokens)
    : textSource(tokens, tokenizer, model.text, fullContext, `${where}: tokens`)
  if (pictures.count !== texts.count) {
    throw invalid(`${where}: expected as many captions as images, got ${texts.count} for ${pictures.count}`)
  }
  if (pictures.count === 0) throw invalid(`${where}: expected at least one pair, got none`)
  if (typeof Object(loss).toNative !== 'function') {
    throw invalid(`${where}: expected a loss such as new InfoNCE(), got ${show(loss)}`)
  }
  const rest = {
    tokens: texts.read(0, texts.count),
    loss: loss.toNative(),
    microBatch: microBatch !== undefined && microBatch < pictures.count ? microBatch : 0,
    checkpointing,
    mayHalve,
    statistics,
    first: share?.first ?? 0,
    total: share?.total ?? 0,
    ...(groups !== undefined && { groups: numbersOf(groups, share?.total ?? pictures.count, `${where}: groups`) }),
    ...(patchDropout && { patchDropout: keptPatches(patchDropout, model) }),
    ...(dropout && { dropout }),
    ...(teacher && { teacher: nativeTeacher(teacher, pictures.count, `${where}: teacher`) }),
  }
  const read = pictures.read(0, pictures.count)
  return isPromise(read) ? read.then((decoded) => ({ ...rest, images: decoded })) : { ...rest, images: read }
}

function areFeatures(given: unknown): given is Features {
  return typeof given === 'object' && given !== null && 'features' in given
}

function known(features: Features) {
  return { count: features.count, read: () => features }
}

/** Equal numbers for equal groups. */
function numbersOf(groups: Groups, count: number, where: string): Int32Array {
  if (isArray(groups, 'Int32Array')) return requireArray(groups, 'Int32Array', count, where)
  if (!Array.isArray(groups) || groups.length !== count) {
    throw invalid(`${where}: expected an Int32Array or a list of ${count}, one for each pair, got ${show(groups)}`)
  }
  const numbers = new Map<unknown, number>()
  return Int32Array.from(groups as readonly unknown[], (group, pair) => {
    if (typeof group !== 'string' && !Number.isFinite(group)) {
      throw invalid(`${where}[${pair}]: expected a string or a number, got ${show(group)}`)
    }
    const known = numbers.get(group) ?? numbers.size
    numbers.set(group, known)
    return known
  })
}

/** As many as open_clip's `PatchDropout` keeps. */
function keptPatches({ rate, seed, step }: NonNullable<BatchOptions['patchDropout']>, { vision }: NativeModel) {
  const patches = Math.floor(vision.imageSize / vision.patchSize) ** 2
  return { kept: Math.max(1, Math.trunc(patches * (1 - rate))), seed, step }
}
