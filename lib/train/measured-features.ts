/**
 * Features of what a run measures on: its pictures come from the decoded cache, and what goes through a locked tower does so
 * once, in this run and those before it.
 */
import type { Pixels, Tensor } from '../base/types.js'
import type { Clip } from '../clip/clip.js'
import { encodeInBatches } from '../clip/encode.js'
import { encodeAddresses } from '../clip/encode-addresses.js'
import type { Encoders } from '../clip/encode-shared.js'
import { addressBatches } from '../clip/images.js'
import { sessionOf } from '../clip/session.js'
import type { PictureCache } from '../image/picture-cache.js'
import type { ImageAddress } from '../image/source.js'
import { encodeWithin } from '../tokenizer/truncation.js'
import { type KeptFeatures, pictureKey } from './kept-features.js'

type ReadPictures = { keys: string[]; decoded: string[]; pixels: Pixels }

/** Both give [n, embed_dim], of length 1, and throw as `encodeImages` and `encodeTexts`. */
export function measuredFeatures(
  clip: Clip,
  kept: KeptFeatures | undefined,
  cache: PictureCache | undefined,
): Encoders {
  const dim = clip.config.embed_dim
  const rows = kept?.of('image')
  const known = new Map<ImageAddress, string>()
  const keyOf = async (image: ImageAddress) => {
    const key = known.get(image) ?? (await pictureKey(image))
    known.set(image, key)
    return key
  }
  return {
    images(all, o): Promise<Tensor> {
      // Pictures that are left out have no features to be kept.
      if (!kept || !rows || o.onBadImage) return encodeAddresses(clip, all, o, cache)
      const read = async (from: number, to: number, signal?: AbortSignal): Promise<ReadPictures> => {
        const images = all.slice(from, to)
        const keys: string[] = []
        for (const image of images) keys.push(await keyOf(image))
        const missing = rows.missing(keys)
        const pictures = missing.map((i) => images[i]!)
        const { data, count } = await addressBatches(pictures, clip.preprocess, { cache }).read(
          0,
          missing.length,
          signal,
        )
        const { size } = clip.preprocess
        const pixels: Pixels = { shape: [count, size, size, 3], data: data as Uint8Array }
        return { keys, decoded: missing.map((i) => keys[i]!), pixels }
      }
      return encodeInBatches({ count: all.length, read }, dim, o, async ({ keys, decoded, pixels }) =>
        normalised((await kept.pictures(keys, decoded, pixels)).features, dim),
      )
    },
    texts(all, { truncation = 'cut', ...o }): Promise<Tensor> {
      if (!kept?.of('text')) return clip.encodeTexts(all, { truncation, ...o })
      const { contextLength } = sessionOf(clip, 'train').model.text
      const where = { where: 'train: captions that the run measures on', code: 'ERR_DATA' } as const
      const read = (from: number, to: number) =>
        encodeWithin(clip.tokenizer, all.slice(from, to), { contextLength, truncation }, where)
      return encodeInBatches({ count: all.length, read }, dim, o, async (tokens) =>
        normalised((await kept.captions(tokens)).features, dim),
      )
    },
  }
}

/** Rows of length 1, as the core makes them: x / max(‖x‖, 1e-12). */
function normalised(features: Float32Array, dim: number): Float32Array {
  for (let from = 0; from < features.length; from += dim) {
    const row = features.subarray(from, from + dim)
    let square = 0
    for (const x of row) square += x * x
    const inverse = 1 / Math.max(Math.sqrt(square), 1e-12)
    for (let i = 0; i < dim; i++) row[i]! *= inverse
  }
  return features
}
