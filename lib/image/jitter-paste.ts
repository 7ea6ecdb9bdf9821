/** The reference system's augmentation without crops: the whole picture, jittered, pasted, turned and changed in colour. */

import type { Draws } from '../base/random.js'
import { callNative, native } from '../native/addon.js'
import type { NativeAdjustment } from '../native/image.js'
import { pasteOnGrey } from './paste.js'
import type { Picture } from './picture.js'
import { type ResizeManner, resizePicture } from './resize.js'

/** Ratios go from (1-j)/(1+j) to (1+j)/(1-j) times the picture's own. */
const JITTER = 0.3
/** Of the longer side, in sides of the square. */
const SCALE = [0.75, 1.5] as const
const DEGREES = 15
const ROTATED = 0.5
const [HUE, SATURATION, VALUE] = [0.1, 0.7, 0.3]

export type JitterPaste = {
  /** The picture's size on the square. */
  width: number
  height: number
  /** Of its corner; negative where the picture is larger than the square. */
  left: number
  top: number
  mirrored: boolean
  adjustments: NativeAdjustment[]
}

/** What is done to a picture of this size. */
export function drawJitterPaste(picture: Pick<Picture, 'width' | 'height'>, size: number, flip: number, draws: Draws) {
  const between = (low: number, high: number) => low + (high - low) * draws.next()
  const jitter = () => between(1 - JITTER, 1 + JITTER)
  const ratio = ((picture.width / picture.height) * jitter()) / jitter()
  const longer = Math.floor(between(...SCALE) * size)
  const shorter = Math.max(1, Math.floor(longer * Math.min(ratio, 1 / ratio)))
  const [width, height] = ratio < 1 ? [shorter, longer] : [longer, shorter]
  const left = Math.trunc(between(0, size - width))
  const top = Math.trunc(between(0, size - height))
  const mirrored = draws.next() < flip
  const rotated = draws.next() < ROTATED
  const degrees = between(-DEGREES, DEGREES)
  const hsv: NativeAdjustment = ['hsv', ...[HUE, SATURATION, VALUE].map((share) => between(1 - share, 1 + share))]
  const adjustments: NativeAdjustment[] = rotated ? [['rotate_bilinear', degrees], hsv] : [hsv]
  return { width, height, left, top, mirrored, adjustments } satisfies JitterPaste
}

/** [size, size, 3] */
export async function jitterPaste(
  picture: Picture,
  size: number,
  { convert, decode }: Pick<ResizeManner, 'convert' | 'decode'>,
  flip: number,
  draws: Draws,
): Promise<Uint8Array> {
  const { width, height, left, top, mirrored, adjustments } = drawJitterPaste(picture, size, flip, draws)
  // Only what lies on the square is computed.
  const window = [Math.max(0, -left), Math.max(0, -top), Math.min(width, size), Math.min(height, size)] as const
  const data = await resizePicture(
    picture,
    { convert, decode, interpolation: 'bicubic' },
    {
      box: [0, 0, picture.width, picture.height],
      outWidth: width,
      outHeight: height,
      window: [...window],
      mirrored,
    },
  )
  const [, , w, h] = window
  const [x, y] = [Math.max(0, left), Math.max(0, top)]
  const pasted = pasteOnGrey({ width: w, height: h, data }, size, mirrored ? size - w - x : x, y)
  return callNative(() => native().adjustPicture({ data: pasted, width: size, height: size, adjustments }))
}
