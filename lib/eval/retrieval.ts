/** Retrieval over feature sets of any size. */
import { setImmediate as nextTurn } from 'node:timers/promises'
import { z } from 'zod'
import { requireOwnMemory } from '../base/arrays.js'
import { ClipwrightError } from '../base/errors.js'
import { parseOptions } from '../base/options.js'
import type { Tensor } from '../base/types.js'
import { ALONE, type World } from '../ranks/world.js'
import { type Bootstrap, bootstrapRecall, bootstrapSchema, type RecallInterval } from './bootstrap.js'
import { chanceRecall } from './chance.js'
import { checkMatrix } from './matrix.js'
import { type RecallTable, recallTable } from './metrics.js'
import { ranksOf } from './ranks.js'
import { checkRelevance, type ImageOfCaption } from './relevance.js'

/** Features of a validation set, and which caption belongs to which image. */
export type RetrievalOptions = {
  /** [images, embed_dim], as `encodeImages` returns them */
  imageFeatures: Tensor
  /** [captions, embed_dim], as `encodeTexts` returns them */
  textFeatures: Tensor
  /**
   * The image of each caption, every image having one at least. Or a list of images for each caption, any of which is
   * right; images without captions are then searched, but ask nothing.
   */
  imageOfCaption: ImageOfCaption
  /** Asks for `interval`. */
  bootstrap?: Bootstrap
}

/** Recall in percent, and where the right answers rank. */
export type RetrievalResult = RecallTable & {
  /** Ranks count from 1; the median of an even number of ranks is rounded down, as in open_clip. */
  txt_mean_rank: number
  txt_median_rank: number
  img_mean_rank: number
  img_median_rank: number
  /** What a random ranking of the same images and captions reaches on average. */
  chance: RecallTable
  /** With `bootstrap`: 95 % intervals, pictures being drawn with replacement. */
  interval?: RecallInterval
}

/** What the three are is checked together, below. */
const Options = z.strictObject({
  imageFeatures: z.unknown().optional(),
  textFeatures: z.unknown().optional(),
  imageOfCaption: z.unknown().optional(),
  bootstrap: bootstrapSchema.optional(),
})

/** Values copied at a time: a millisecond or two. */
const PIECE = 1 << 18

/**
 * Recall in both directions, computed in blocks: the matrix of all similarities never exists. Scores are dot products
 * of the features as they come; with normalised ones they are cosines. Definitions and the rule for ties are
 * those of {@link retrievalMetrics}. The features must not be changed before the promise settles.
 *
 * @throws ClipwrightError ERR_INVALID_ARGUMENT for shapes that do not fit, an index out of range, an image without
 *   caption, a value that is not finite, or features that are given away (transferred) before they are copied
 */
export function evaluateRetrieval(options: RetrievalOptions): Promise<RetrievalResult> {
  return retrievalOf(options)
}

/** `evaluateRetrieval` by ranks that all have all features: each ranks its share of the pictures. @throws as it does */
export async function retrievalOf(options: RetrievalOptions, world: World = ALONE): Promise<RetrievalResult> {
  const { bootstrap, ...given } = parseOptions(Options, options, 'evaluateRetrieval')
  const { imageFeatures, textFeatures, imageOfCaption } = given as RetrievalOptions
  checkMatrix(imageFeatures, 'imageFeatures', '[images, embed_dim]')
  checkMatrix(textFeatures, 'textFeatures', '[captions, embed_dim]')
  const [images, dim] = imageFeatures.shape as [number, number]
  const [captions, textDim] = textFeatures.shape as [number, number]
  if (dim !== textDim) {
    throw new ClipwrightError(
      'ERR_INVALID_ARGUMENT',
      `imageFeatures and textFeatures must be of one width, got ${dim} and ${textDim}; encode both with the same model.`,
    )
  }
  const relevance = checkRelevance(imageOfCaption, images, captions)
  const a = await ownCopy(imageFeatures, 'imageFeatures') // [images, dim]
  const b = await ownCopy(textFeatures, 'textFeatures') // [captions, dim]
  const ranks = await ranksOf(world, { images: a, texts: b, dim, relevance })
  const ofImage = ranks.ofImage.filter((rank) => rank >= 0)
  return {
    ...recallTable(ranks),
    txt_mean_rank: meanRank(ofImage),
    txt_median_rank: medianRank(ofImage),
    img_mean_rank: meanRank(ranks.ofCaption),
    img_median_rank: medianRank(ranks.ofCaption),
    chance: chanceRecall(images, relevance),
    ...(bootstrap && { interval: await bootstrapRecall(ranks, relevance, bootstrap) }),
  }
}

/** A copy that nobody can give away while the core reads it, made a piece at a time so that the event loop stays free. */
async function ownCopy({ shape, data }: Tensor, name: string): Promise<Float32Array> {
  const copy = new Float32Array(shape[0]! * shape[1]!) // an array that was given away has no length any more
  for (let first = 0; first < copy.length; first += PIECE) {
    requireOwnMemory(data, name)
    copy.set(data.subarray(first, first + PIECE), first)
    await nextTurn()
  }
  return copy
}

function meanRank(ranks: Int32Array): number {
  let sum = 0
  for (const rank of ranks) sum += rank
  return sum / ranks.length + 1
}

function medianRank(ranks: Int32Array): number {
  const sorted = ranks.slice().sort()
  const middle = sorted.length >> 1
  const median = sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
  return Math.floor(median) + 1
}
