/** A picture that was opened, before it is fitted to a model. */
import type { Orientation } from './heif-orientation.js'

type Shape = {
  width: number
  height: number
  channels: 3 | 4
  /** Its pixels came from a palette, or were black or white: Pillow resizes such by the nearest pixel. */
  indexed: boolean
}

export type DecodedPicture = Shape & {
  /** [height, width, channels]: RGB, or RGBA when alpha was asked for and is there. */
  data: Uint8Array
}

/** A JPEG, which is decoded in one go with its resize: its pixels never come to JavaScript. */
export type JpegPicture = Shape & {
  /** The file; width and height are those after the turn. */
  jpeg: Uint8Array
  orientation: Orientation
}

export type Picture = DecodedPicture | JpegPicture
