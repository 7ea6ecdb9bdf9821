/** Augmented training pictures, as pure functions of the draws for one sample of one epoch. */

import type { Draws } from '../base/random.js'
import { callNative, native } from '../native/addon.js'
import type { AugmentOptions } from './augment-options.js'
import { drawImagenetChanges } from './auto-augment.js'
import { jitterPaste } from './jitter-paste.js'
import type { Picture } from './picture.js'
import { type ResizeManner, resizePicture } from './resize.js'

export type Crop = { left: number; top: number; width: number; height: number }

/** torchvision's RandomResizedCrop.get_params: ten tries, then the largest central crop of an allowed ratio. */
export function randomCrop(
  width: number,
  height: number,
  { scale, ratio }: Pick<AugmentOptions, 'scale' | 'ratio'>,
  draws: Draws,
): Crop {
  const between = (low: number, high: number) => low + (high - low) * draws.next()
  for (let attempt = 0; attempt < 10; attempt++) {
    const area = width * height * between(scale[0], scale[1])
    const aspect = Math.exp(between(Math.log(ratio[0]), Math.log(ratio[1])))
    const w = Math.round(Math.sqrt(area * aspect))
    const h = Math.round(Math.sqrt(area / aspect))
    if (w > 0 && h > 0 && w <= width && h <= height)
      return { left: draws.below(width - w + 1), top: draws.below(height - h + 1), width: w, height: h }
  }
  const aspect = width / height
  const w = aspect > ratio[1] ? Math.round(height * ratio[1]) : width
  const h = aspect < ratio[0] ? Math.round(width / ratio[0]) : height
  return { left: Math.floor((width - w) / 2), top: Math.floor((height - h) / 2), width: w, height: h }
}

/** The augmented picture: [size, size, 3] RGB. @param into where it may go, which is given back then */
export async function augmentImage(
  picture: Picture,
  size: number,
  manner: ResizeManner,
  options: AugmentOptions,
  draws: Draws,
  into?: Uint8Array,
): Promise<Uint8Array> {
  if (options.policy === 'jitter-paste') return jitterPaste(picture, size, manner, options.flip, draws)
  const data = await cropAndFlip(picture, size, manner, options, draws, into)
  const adjustments = options.policy === 'imagenet' ? drawImagenetChanges(draws) : []
  if (adjustments.length === 0) return data
  return callNative(() => native().adjustPicture({ data, width: size, height: size, adjustments }))
}

/** [size, size, 3] */
function cropAndFlip(
  picture: Picture,
  size: number,
  manner: ResizeManner,
  options: AugmentOptions,
  draws: Draws,
  into?: Uint8Array,
): Promise<Uint8Array> {
  const { left, top, width, height } = randomCrop(picture.width, picture.height, options, draws)
  const mirrored = draws.next() < options.flip
  // As Pillow does it: cut out, then resized, so that no pixel outside the crop has a part in it.
  return resizePicture(picture, manner, {
    crop: [left, top, width, height],
    box: [0, 0, width, height],
    outWidth: size,
    outHeight: size,
    mirrored,
    into,
  })
}
