/** How a picture has to be turned; each format follows Pillow. */
import type { Metadata, Sharp } from 'sharp'
import { containerOrientation, type Orientation } from './heif-orientation.js'
import type { PictureKind } from './kinds.js'

/**
 * What is left to be done to the pixels that the decoder gives.
 *
 * - TIFF: Pillow turns it when it is loaded, asked or not.
 * - AVIF and HEIC: the decoder has turned it already, where Pillow does so only when it is asked to; then it is undone.
 * - Others: EXIF's orientation, without one XMP's (`Image.getexif`), when it is asked for (`ImageOps.exif_transpose`).
 */
export function orientationOf(kind: PictureKind, metadata: Metadata, data: Buffer, orient: boolean): Orientation {
  if (kind === 'tiff') return validOrientation(metadata.orientation)
  if (kind === 'avif') return orient ? 1 : inverse(containerOrientation(data))
  if (!orient) return 1
  return metadata.orientation === undefined ? xmpOrientation(metadata.xmp) : validOrientation(metadata.orientation)
}

/** sharp mirrors first and turns then, in whatever order it is told. */
export function turn(image: Sharp, orientation: Orientation): Sharp {
  switch (orientation) {
    case 1:
      return image
    case 2:
      return image.flop()
    case 3:
      return image.rotate(180)
    case 4:
      return image.flip()
    case 5:
      return image.flop().rotate(270)
    case 6:
      return image.rotate(90)
    case 7:
      return image.flop().rotate(90)
    case 8:
      return image.rotate(270)
  }
}

/** A quarter turn is undone by one the other way; all others undo themselves. */
function inverse(orientation: Orientation): Orientation {
  if (orientation === 6) return 8
  return orientation === 8 ? 6 : orientation
}

/** The expression is Pillow's. */
export function xmpOrientation(xmp: Buffer | undefined): Orientation {
  const found = /tiff:Orientation(="|>)([0-9])/.exec(xmp?.toString('latin1') ?? '')
  return validOrientation(Number(found?.[2]))
}

/** As it is where the number means nothing. */
export function validOrientation(value: number | undefined): Orientation {
  return value !== undefined && Number.isInteger(value) && value >= 1 && value <= 8 ? (value as Orientation) : 1
}
