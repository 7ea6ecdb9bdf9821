/** What evaluation and training measure alike: a set's features, and how well they find each other. */
import type { Tensor } from '../base/types.js'
import type { Clip } from '../clip/clip.js'
import { type EncodeProgress, progressOf } from '../clip/encode-progress.js'
import { type Encoders, encodeShared } from '../clip/encode-shared.js'
import { requireFiniteFeatures } from '../clip/finite-features.js'
import { leavingOut } from '../clip/skipped-images.js'
import type { BadImage } from '../image/preprocess.js'
import type { World } from '../ranks/world.js'
import type { Truncation } from '../tokenizer/truncation.js'
import type { Bootstrap } from './bootstrap.js'
import type { EvalSet } from './eval-set.js'
import { type RetrievalResult, retrievalOf } from './retrieval.js'
import { withoutImages } from './without-images.js'

export type RankOptions = {
  batchSize: number
  signal?: AbortSignal | undefined
  bootstrap?: Bootstrap | undefined
  /** Of captions that are longer than the context; 'cut' by default. */
  truncation?: Truncation | undefined
  /** Whether pictures that cannot be read are left out, with their captions; otherwise they are an error; undefined where nobody can ask for it. */
  skipBad?: boolean
  onProgress?: ((progress: EncodeProgress) => void) | undefined
  /** Ranks that each have the model: they encode their share, and rank their pictures among all. */
  world?: World | undefined
  /** Who encodes; the model by default. */
  encoders?: Encoders | undefined
  /** Of the model, for messages. */
  name: string
}

export type Ranked = {
  recall: RetrievalResult
  /** What was measured. */
  set: EvalSet
  /** Pictures that were left out. */
  bad: BadImage[]
  /** [images, embed_dim] */
  imageFeatures: Tensor
  /** [captions, embed_dim] */
  textFeatures: Tensor
}

/**
 * Encodes every picture once and all captions, and ranks each among all.
 * @throws ClipwrightError ERR_NOT_FOUND, ERR_IMAGE naming the picture, ERR_FORMAT when features are not finite,
 *   ERR_DISPOSED; `signal.reason` when aborted
 */
export async function rankSet(clip: Clip, given: EvalSet, o: RankOptions): Promise<Ranked> {
  const { batchSize, signal, bootstrap, truncation, onProgress } = o
  const pictures = { batchSize, signal, ...progressOf('images', onProgress) }
  const { images, texts } = encodeShared(clip, o.world, 1, o.encoders)
  const { result: imageFeatures, bad } = await leavingOut(o.skipBad, given.images.length, (onBadImage) =>
    images(given.images, { ...pictures, onBadImage }),
  )
  const set = withoutImages(given, new Set(bad.map(({ index }) => index)))
  const textFeatures = await texts(set.captions, { batchSize, signal, truncation, ...progressOf('texts', onProgress) })
  for (const features of [imageFeatures, textFeatures]) requireFiniteFeatures(features, o.name)
  const { imageOfCaption } = set
  const measured = { imageFeatures, textFeatures, imageOfCaption, ...(bootstrap && { bootstrap }) }
  const recall = await retrievalOf(measured, o.world)
  return { recall, set, bad, imageFeatures, textFeatures }
}
