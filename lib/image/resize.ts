/** Resizing decoded pictures as the tools of a model's family do it. */
import { callNative, native } from '../native/addon.js'
import type { NativeResize } from '../native/image.js'
import type { Picture } from './picture.js'
import type { Convert, Interpolation } from './resizes.js'

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
