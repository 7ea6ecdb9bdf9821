/** Work on pictures. */
import type { NativeFilter } from './names.js'

export type NativeResize = {
  /** [height, width, channels] */
  data: Uint8Array
  /** 3 by default; 4: alpha weighs the colours, then is dropped. */
  channels?: 3 | 4
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
}

/** One change of a picture: its name and values, as native/image/adjust.h lists them. */
export type NativeAdjustment = [name: string, ...values: number[]]
export type NativeAdjust = { data: Uint8Array; width: number; height: number; adjustments: NativeAdjustment[] }
