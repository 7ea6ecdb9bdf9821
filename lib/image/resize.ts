/** Resizing pictures as the tools of a model's family do it. */
import { ClipwrightError } from '../base/errors.js'
import { withPatience } from '../files/shortage.js'
import { callNative, native } from '../native/addon.js'
import type { NativeResize } from '../native/image.js'
import type { JpegPicture, Picture } from './picture.js'
import type { Convert, Decode, Interpolation } from './resizes.js'

export type ResizeManner = { interpolation: Interpolation; convert: Convert; decode?: Decode | undefined }

/** What becomes of a picture's pixels, in them. */
export type ResizeTo = Pick<NativeResize, 'crop' | 'box' | 'outWidth' | 'outHeight' | 'window' | 'mirrored' | 'into'>

/** A file whose beginning was right and whose pixels cannot be decoded; whoever knows its name says so. */
export class Undecodable extends Error {}

/** RGB [height, width, 3] of the window. Off the main thread. @throws Undecodable */
export async function resizePicture(
  picture: Picture,
  { interpolation, convert, decode = 'exact' }: ResizeManner,
  to: ResizeTo,
): Promise<Uint8Array> {
  const filter = convert === 'after' && picture.indexed ? 'nearest' : interpolation
  const source = 'data' in picture ? { ...picture, ...to } : jpegSource(picture, decode, to)
  try {
    return await withPatience('resizing a picture', () =>
      callNative(() => native().resizePicture({ ...source, filter })),
    )
  } catch (cause) {
    if (!(cause instanceof ClipwrightError) || cause.code !== 'ERR_IMAGE') throw cause
    throw new Undecodable(cause.message, { cause })
  }
}

/** The whole picture as it is. @throws Undecodable */
export function pixelsOf(picture: JpegPicture): Promise<Uint8Array> {
  const { width, height } = picture
  const to: ResizeTo = { box: [0, 0, width, height], outWidth: width, outHeight: height }
  return resizePicture(picture, { interpolation: 'bicubic', convert: 'before' }, to)
}

function jpegSource({ jpeg, orientation, width, height }: JpegPicture, decode: Decode, to: ResizeTo) {
  const shrink = decode === 'fast' ? shrinkFor(to) : 1
  if (shrink === 1) return { jpeg, orientation, shrink, width, height, ...to } as const
  const small = { width: Math.ceil(width / shrink), height: Math.ceil(height / shrink) }
  const { crop, box, ...rest } = to
  const [left, top] = crop ?? [0, 0]
  const [x0, y0, x1, y1] = box.map((side, i) => (side + (i % 2 === 0 ? left : top)) / shrink) as typeof box
  return { jpeg, orientation, shrink, ...small, box: [x0, y0, x1, y1] as typeof box, ...rest }
}

/** The most that leaves the part that is wanted as large as it shall become. */
function shrinkFor({ box: [x0, y0, x1, y1], outWidth, outHeight }: ResizeTo): 1 | 2 | 4 | 8 {
  const most = Math.min((x1 - x0) / outWidth, (y1 - y0) / outHeight)
  return most >= 8 ? 8 : most >= 4 ? 4 : most >= 2 ? 2 : 1
}
