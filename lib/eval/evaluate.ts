/** How well a model in training retrieves, and its loss, on a list of captioned pictures. */

import type { Tensor } from '../base/types.js'
import type { Clip } from '../clip/clip.js'
import { type Encoders, encodeShared } from '../clip/encode-shared.js'
import { sessionOf } from '../clip/session.js'
import { InfoNCE } from '../loss/info-nce.js'
import type { Loss } from '../loss/loss.js'
import type { World } from '../ranks/world.js'
import type { EvalSet } from './eval-set.js'
import { rankSet } from './rank.js'
import type { RetrievalResult } from './retrieval.js'

/** `world`: ranks that each have the model encode their share; `encoders`: who encodes, the model by default. */
export type EvaluationOptions = {
  batchSize: number
  loss?: Loss
  signal?: AbortSignal | undefined
  world?: World
  encoders?: Encoders
}

/** `loss`: mean over batches of `batchSize` pictures, each with its first caption. */
export type Evaluation = { recall: RetrievalResult; loss: number }

/**
 * Encodes every picture once and all captions, and ranks each among all.
 * @throws ClipwrightError ERR_NOT_FOUND, ERR_IMAGE naming the picture, ERR_FORMAT when features are not finite, ERR_DISPOSED; `signal.reason` when aborted
 */
export async function evaluate(clip: Clip, set: EvalSet, o: EvaluationOptions): Promise<Evaluation> {
  const { batchSize, signal, world, encoders } = o
  const measured = { batchSize, signal, world, encoders, name: 'the model' }
  const { recall, imageFeatures, textFeatures } = await rankSet(clip, set, measured)
  const firstTexts = rows(textFeatures, firstCaptions(set)) // [pictures with captions, embed_dim]
  return { recall, loss: await meanLoss(clip, imageFeatures, firstTexts, batchSize, o.loss ?? new InfoNCE()) }
}

/**
 * The same loss without the recall, for which no other captions than the first of each picture are encoded.
 * @throws as `evaluate`
 */
export async function validationLoss(clip: Clip, set: EvalSet, o: EvaluationOptions): Promise<number> {
  const { batchSize, signal } = o
  const encode = { batchSize, ...(signal && { signal }) }
  const captions = Array.from(firstCaptions(set), (caption) => set.captions[caption]!)
  const pictures = set.images.slice(0, captions.length)
  const { images, texts } = encodeShared(clip, o.world, 1, o.encoders)
  const imageFeatures = await images(pictures, encode)
  const textFeatures = await texts(captions, encode) // both [pictures with captions, embed_dim]
  return meanLoss(clip, imageFeatures, textFeatures, batchSize, o.loss ?? new InfoNCE())
}

/** Of the pictures that have captions, which come before those that have none. */
function firstCaptions({ images, imageOfCaption }: EvalSet): Int32Array {
  const first = new Int32Array(images.length).fill(-1)
  for (let caption = imageOfCaption.length - 1; caption >= 0; caption--) {
    for (const image of [imageOfCaption[caption]!].flat()) first[image] = caption
  }
  return first.filter((caption) => caption >= 0)
}

function rows({ shape, data }: Tensor, indices: Int32Array): Tensor {
  const d = shape[1]!
  const out = new Float32Array(indices.length * d)
  for (const [i, index] of indices.entries()) out.set(data.subarray(index * d, (index + 1) * d), i * d)
  return { shape: [indices.length, d], data: out }
}

/** The rest that does not fill a batch is left out, unless it is all there is: with fewer negatives a loss is lower. */
async function meanLoss(clip: Clip, images: Tensor, texts: Tensor, batchSize: number, loss: Loss): Promise<number> {
  const session = sessionOf(clip, 'evaluate')
  const [n, d] = texts.shape as [number, number]
  const size = Math.min(batchSize, n)
  const batches = Math.floor(n / size)
  let sum = 0
  for (let b = 0; b < batches; b++) {
    const part = ({ data }: Tensor) => data.slice(b * size * d, (b + 1) * size * d)
    sum += await session.call((native) => native.featureLoss(part(images), part(texts), loss.toNative()))
  }
  return sum / batches
}
