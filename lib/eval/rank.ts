/** What evaluation and training measure alike: a set's features, and how well they find each other. */
import type { Tensor } from '../base/types.js'
import type { Clip } from '../clip/clip.js'
import type { EncodeOptions } from '../clip/encode.js'
import { requireFiniteFeatures } from '../clip/finite-features.js'
import type { Bootstrap } from './bootstrap.js'
import type { EvalSet } from './eval-set.js'
import { evaluateRetrieval, type RetrievalResult } from './retrieval.js'

export type Ranked = {
  recall: RetrievalResult
  /** [images, embed_dim] */
  imageFeatures: Tensor
  /** [captions, embed_dim] */
  textFeatures: Tensor
}

/**
 * Encodes every picture once and all captions, and ranks each among all.
 * @param name of the model, for messages
 * @throws ClipwrightError ERR_NOT_FOUND, ERR_IMAGE naming the picture, ERR_FORMAT when features are not finite,
 *   ERR_DISPOSED; `signal.reason` when aborted
 */
export async function rankSet(
  clip: Clip,
  set: EvalSet,
  encode: Pick<EncodeOptions, 'batchSize' | 'signal'>,
  name: string,
  bootstrap?: Bootstrap,
): Promise<Ranked> {
  const imageFeatures = await clip.encodeImages(set.images, encode)
  const textFeatures = await clip.encodeTexts(set.captions, encode)
  for (const features of [imageFeatures, textFeatures]) requireFiniteFeatures(features, name)
  const { imageOfCaption } = set
  const recall = await evaluateRetrieval({
    imageFeatures,
    textFeatures,
    imageOfCaption,
    ...(bootstrap && { bootstrap }),
  })
  return { recall, imageFeatures, textFeatures }
}
