/** Features that ranks compute together: each of its share, and all have them all. */
import { ClipwrightError, type ErrorCode } from '../base/errors.js'
import type { Tensor } from '../base/types.js'
import type { ImageAddress } from '../image/source.js'
import { ALONE, type World } from '../ranks/world.js'
import type { Clip } from './clip.js'
import type { EncodeImagesOptions, EncodeOptions, EncodeTextsOptions } from './encode.js'
import { encodeAddresses } from './encode-addresses.js'

/** A picture that cannot be read, as ranks tell it. */
type Bad = { index: number; image: string; code: ErrorCode; message: string }

/**
 * Both give [n, embed_dim] on every rank, with no row for pictures that `onBadImage` is told of: all are told of all. They throw
 * what `encodeImages` and `encodeTexts` throw, and ERR_IO once a rank has ended.
 * @param unit ranks' shares are whole multiples of so many inputs: with the batch's size its batches are those of one process
 */
export function encodeShared(clip: Clip, world: World = ALONE, unit = 1) {
  const shared = async <T>(
    all: readonly T[],
    { onProgress, ...o }: EncodeOptions,
    encode: (own: readonly T[], o: EncodeOptions, from: number) => Promise<Tensor>,
  ): Promise<Tensor> => {
    const { first, count } = world.share(Math.ceil(all.length / unit))
    const own = all.slice(first * unit, (first + count) * unit)
    // The others are about as far.
    const told = onProgress && ((done: number) => onProgress(Math.round((done * all.length) / own.length), all.length))
    const how = { ...o, ...(told && { onProgress: told }) }
    const none = { shape: [0, clip.config.embed_dim], data: new Float32Array(0) }
    const { shape, data } = own.length > 0 ? await encode(own, how, first * unit) : none
    const dim = shape[1]!
    const gathered = await world.gather(data)
    return { shape: [gathered.length / dim, dim], data: gathered }
  }
  return {
    async images(all: readonly ImageAddress[], o: EncodeImagesOptions): Promise<Tensor> {
      if (world.size === 1) return encodeAddresses(clip, all, o)
      const { onBadImage, ...rest } = o
      const bad: Bad[] = []
      const features = await shared(all, rest, (own, how, from) =>
        encodeAddresses(clip, own, {
          ...how,
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
    texts: (all: readonly string[], o: EncodeTextsOptions): Promise<Tensor> =>
      world.size === 1
        ? clip.encodeTexts(all, o)
        : shared(all, o, (own, how) => clip.encodeTexts(own, { ...o, ...how })),
  }
}
