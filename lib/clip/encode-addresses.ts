/** Features of pictures that a data source names. */
import type { ImageSource, Tensor } from '../base/types.js'
import type { ImageAddress } from '../image/source.js'
import type { Clip } from './clip.js'
import type { EncodeImagesOptions } from './encode.js'

/**
 * `clip.encodeImages` of addresses: it takes entries of larger files, too, which its public type does not offer.
 * @returns [n, embed_dim]
 * @throws as `encodeImages`
 */
export function encodeAddresses(clip: Clip, images: readonly ImageAddress[], o: EncodeImagesOptions): Promise<Tensor> {
  return clip.encodeImages(images as ImageSource[], o)
}
