/** Features that ranks compute together: each of its share, and all have them all. */
import type { Tensor } from '../base/types.js'
import type { Clip } from '../clip/clip.js'
import type { EncodeImagesOptions, EncodeOptions } from '../clip/encode.js'
import { encodeAddresses } from '../clip/encode-addresses.js'
import type { ImageAddress } from '../image/source.js'
import { ALONE, type World } from '../ranks/world.js'

/** Both give [n, embed_dim] on every rank; they throw what `encodeImages` and `encodeTexts` throw, and ERR_IO once a rank has ended. */
export function encodeShared(clip: Clip, world: World = ALONE) {
  const shared = async <T>(all: readonly T[], encode: (own: readonly T[]) => Promise<Tensor>): Promise<Tensor> => {
    if (world.size === 1) return encode(all)
    const { first, count } = world.share(all.length)
    const { shape, data } = await encode(all.slice(first, first + count))
    return { shape: [all.length, shape[1]!], data: await world.gather(data) }
  }
  return {
    images: (all: readonly ImageAddress[], o: EncodeImagesOptions) =>
      shared(all, (own) => encodeAddresses(clip, own, o)),
    texts: (all: readonly string[], o: EncodeOptions) => shared(all, (own) => clip.encodeTexts(own, o)),
  }
}
