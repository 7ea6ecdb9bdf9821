/** Features of pictures that a data source names. */
import type { Tensor } from '../base/types.js'
import type { PictureCache } from '../image/picture-cache.js'
import type { ImageAddress } from '../image/source.js'
import type { Clip } from './clip.js'
import type { EncodeImagesOptions } from './encode.js'
import { encodePictures } from './encode-pictures.js'
import { addressBatches } from './images.js'
import { sessionOf } from './session.js'

/** Of addresses, which are not checked or copied. */
export type EncodeAddressesOptions = Omit<EncodeImagesOptions, 'normalize'> & { batchSize: number }

/**
 * `clip.encodeImages` of addresses: it takes entries of larger files, too, which its public type does not offer.
 * @param cache of pictures that were fitted before
 * @returns [n, embed_dim], of length 1
 * @throws as `encodeImages`
 */
export async function encodeAddresses(
  clip: Clip,
  images: readonly ImageAddress[],
  o: EncodeAddressesOptions,
  cache?: PictureCache,
): Promise<Tensor> {
  const session = sessionOf(clip, 'encodeImages')
  session.check()
  const pictures = addressBatches(images, clip.preprocess, { onBad: o.onBadImage, cache })
  return encodePictures(session, pictures, { ...o, normalize: true })
}
