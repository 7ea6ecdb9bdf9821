/** Random resized crop and horizontal flip, as pure functions of the draws for one sample of one epoch. */

import { callNative, native } from '../native.js'
import type { Draws } from '../random.js'
import type { Rgb } from './decode.js'

/** Random resized crop and flip of training pictures (torchvision's RandomResizedCrop). */
export type AugmentOptions = {
  /** Share of the picture's area that a crop may have: [smallest, largest]. open_clip trains with [0.9, 1]. */
  scale: [number, number]
  /** Width over height of a crop: [smallest, largest]. */
  ratio: [number, number]
  /** Probability of exchanging left and right. */
  flip: number
}

/** open_clip's crop, and a flip half of the time. */
export const DEFAULT_AUGMENT: AugmentOptions = { scale: [0.9, 1], ratio: [3 / 4, 4 / 3], flip: 0.5 }

export type Crop = { left: number; top: number; width: number; height: number }

/** torchvision's RandomResizedCrop.get_params: ten tries, then the largest central crop of an allowed ratio. */
export function randomCrop(width: number, height: number, { scale, ratio }: AugmentOptions, draws: Draws): Crop {
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

/** The augmented picture: [size, size, 3] RGB. */
export async function augmentImage(rgb: Rgb, size: number, options: AugmentOptions, draws: Draws): Promise<Uint8Array> {
  const crop = randomCrop(rgb.width, rgb.height, options, draws)
  const mirrored = draws.next() < options.flip
  const { left, top, width, height } = crop
  // As Pillow does it: cut out, then resized, so that no pixel outside the crop has a part in it.
  return callNative(() =>
    native().resizeBicubic({
      ...rgb,
      crop: [left, top, width, height],
      box: [0, 0, width, height],
      outWidth: size,
      outHeight: size,
      mirrored,
    }),
  )
}
