/** A decoded picture, before it is fitted to a model. */
export type Picture = {
  width: number
  height: number
  /** [height, width, channels]: RGB, or RGBA when alpha was asked for and is there. */
  data: Uint8Array
  channels: 3 | 4
  /** Its pixels came from a palette, or were black or white: Pillow resizes such by the nearest pixel. */
  indexed: boolean
}
