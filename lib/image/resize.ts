/** Resizing decoded pictures as the tools of a model's family do it. */
import { callNative, type NativeResize, native } from '../native/addon.js'
import type { Picture } from './picture.js'

/** How pixels in between are made. */
export type Interpolation = 'bicubic' | 'bilinear'

export const INTERPOLATIONS = ['bicubic', 'bilinear'] as const satisfies Interpolation[]

/**
 * When pictures become RGB: `before` they are resized, as the reference and transformers do it, or `after`, as open_clip,
 * OpenAI and Chinese-CLIP do: then Pillow resizes palettes by the nearest pixel, and alpha weighs the colours.
 */
export type Convert = 'before' | 'after'

export const CONVERTS = ['before', 'after'] as const satisfies Convert[]

export type ResizeManner = { interpolation: Interpolation; convert: Convert }

/** RGB [height, width, 3] of the window. Off the main thread. */
export function resizePicture(
  { data, width, height, channels, indexed }: Picture,
  { interpolation, convert }: ResizeManner,
  to: Omit<NativeResize, 'data' | 'width' | 'height' | 'channels' | 'filter'>,
): Promise<Uint8Array> {
  const filter = convert === 'after' && indexed ? 'nearest' : interpolation
  return callNative(() => native().resizePicture({ data, width, height, channels, filter, ...to }))
}
