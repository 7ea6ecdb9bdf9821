/** Work on pictures. */
import type { NativeFilter } from './names.js'

/** What is resized. */
export type NativePixels =
  | {
      /** [height, width, channels] */
      data: Uint8Array
      /** 3 by default; 4: alpha weighs the colours, then is dropped. */
      channels?: 3 | 4
    }
  | {
      /** A file of grey or three components. */
      jpeg: Uint8Array
      /** How many of its pixels a side become one while it is decoded. */
      shrink: 1 | 2 | 4 | 8
      /** EXIF's; `width` and `height` are those after shrinking and the turn. */
      orientation: number
    }

export type NativeResize = NativePixels & {
  filter: NativeFilter
  width: number
  height: number
  /** The part of data that is the source, as if it had been cut out: [left, top, width, height]; all of it by default. */
  crop?: [number, number, number, number]
  /** Rectangle of the source in pixels: [left, top, right, bottom]; fractions are allowed. */
  box: [number, number, number, number]
  /** Size of the whole result. */
  outWidth: number
  outHeight: number
  /** The part of the result that is wanted: [left, top, width, height]; all of it by default. */
  window?: [number, number, number, number]
  /** Left and right of that part exchanged. */
  mirrored?: boolean
  /** Where the result goes, which is given back then; memory of its own by default. */
  into?: Uint8Array | undefined
}

/** One change of a picture: its name and values, as native/image/adjust.h lists them. */
export type NativeAdjustment = [name: string, ...values: number[]]
export type NativeAdjust = { data: Uint8Array; width: number; height: number; adjustments: NativeAdjustment[] }
