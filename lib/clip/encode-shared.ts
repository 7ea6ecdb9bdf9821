/** Features that ranks compute together: each of its share, and all have them all. */
import { ClipwrightError, type ErrorCode } from '../base/errors.js'
import type { Tensor } from '../base/types.js'
import type { ImageAddress } from '../image/source.js'
import { ALONE, type World } from '../ranks/world.js'
import type { Clip } from './clip.js'
import type { EncodeOptions, EncodeTextsOptions } from './encode.js'
import { type EncodeAddressesOptions, encodeAddresses } from './encode-addresses.js'

/** Who computes features of length 1, [n, embed_dim], and throws as `encodeImages` and `encodeTexts`. */
export type Encoders = {
  images(all: readonly ImageAddress[], o: EncodeAddressesOptions): Promise<Tensor>
  texts(all: readonly string[], o: EncodeTextsOptions & { batchSize: number }): Promise<Tensor>
}

/** The model itself. */
export function encodersOf(clip: Clip): Encoders {
  return {
    images: (all, o) => encodeAddresses(clip, all, o),
    texts: (all, o) => clip.encodeTexts(all, o),
  }
}

/** A picture that cannot be read, as ranks tell it. */
type Bad = { index: number; image: string; code: ErrorCode; message: string }

/**
 * Both give [n, embed_dim] on every rank, with no row for pictures that `onBadImage` is told of: all are told of all. They throw
 * what `encodeImages` and `encodeTexts` throw, and ERR_IO once a rank has ended.
 * @param unit ranks' shares are whole multiples of so many inputs: with the batch's size its batches are those of one process
 * @param own of this rank's share
 */
export function encodeShared(clip: Clip, world: World = ALONE, unit = 1, own: Encoders = encodersOf(clip)): Encoders {
  if (world.size === 1) return own
  const shared = async <T>(
    all: readonly T[],
    { onProgress }: EncodeOptions,
    encode: (part: readonly T[], told: Pick<EncodeOptions, 'onProgress'>, from: number) => Promise<Tensor>,
  ): Promise<Tensor> => {
    const { first, count } = world.share(Math.ceil(all.length / unit))
    const part = all.slice(first * unit, (first + count) * unit)
    // The others are about as far.
    const told = onProgress && ((done: number) => onProgress(Math.round((done * all.length) / part.length), all.length))
    const none = { shape: [0, clip.config.embed_dim], data: new Float32Array(0) }
    const { shape, data } =
      part.length > 0 ? await encode(part, { ...(told && { onProgress: told }) }, first * unit) : none
    const dim = shape[1]!
    const gathered = await world.gather(data)
    return { shape: [gathered.length / dim, dim], data: gathered }
  }
  return {
    async images(all, { onProgress, onBadImage, ...o }) {
      const bad: Bad[] = []
      const features = await shared(all, { ...(onProgress && { onProgress }) }, (part, told, from) =>
        own.images(part, {
          ...o,
          ...told,
          ...(onBadImage && {
            onBadImage: ({ index, image, error: { code, message } }) =>
              void bad.push({ index: from + index, image, code, message }),
          }),
        }),
      )
      if (onBadImage)
        for (const { index, image, code, message } of (await world.exchange(bad)).flat())
          onBadImage({ index, image, error: new ClipwrightError(code, message) })
      return features
    },
    texts: (all, { onProgress, ...o }) =>
      shared(all, { ...(onProgress && { onProgress }) }, (part, told) => own.texts(part, { ...o, ...told })),
  }
}
