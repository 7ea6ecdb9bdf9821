/** What a JPEG file says before its pixels (ITU-T T.81, annex B), as far as the core and Pillow's orientation need it. */
import type { Orientation } from '../heif-orientation.js'
import { validOrientation, xmpOrientation } from '../orientation.js'

export type JpegHeader = {
  width: number
  height: number
  /** As the file asks for it: EXIF's, without one XMP's. */
  orientation: Orientation
}

const [START_OF_SCAN, END, APP1] = [0xda, 0xd9, 0xe1]
/** Huffman-coded: baseline, extended, progressive. */
const FRAMES = [0xc0, 0xc1, 0xc2]
const EXIF = 'Exif\0\0'
const XMP = 'http://ns.adobe.com/xap/1.0/\0'
const ORIENTATION_TAG = 0x0112
/** Bytes of a number of these types: BYTE, SHORT, LONG. */
const TYPES: Readonly<Record<number, 1 | 2 | 4>> = { 1: 1, 3: 2, 4: 4 }

/** Undefined for what the core's decoder is not for: CMYK, more than 8 bits, no loss, and files that cannot be followed. */
export function jpegHeader(data: Buffer): JpegHeader | undefined {
  let frame: { width: number; height: number } | undefined
  let [exif, xmp]: (Buffer | undefined)[] = []
  for (let at = 2; at + 4 <= data.length; ) {
    if (data[at] !== 0xff) return undefined
    const marker = data[at + 1]!
    if (marker === 0xff) {
      at++ // filling
      continue
    }
    if (marker === START_OF_SCAN) break
    if (marker === END || marker < 0xc0 || (marker >= 0xd0 && marker <= 0xd7)) return undefined
    const length = data.readUInt16BE(at + 2)
    const body = data.subarray(at + 4, at + 2 + length)
    if (length < 2 || body.length < length - 2) return undefined
    if (FRAMES.includes(marker)) {
      if (frame || body.length < 6 || body[0] !== 8 || (body[5] !== 1 && body[5] !== 3)) return undefined
      frame = { height: body.readUInt16BE(1), width: body.readUInt16BE(3) }
    }
    if (marker === APP1) {
      if (body.toString('latin1', 0, EXIF.length) === EXIF) exif ??= body.subarray(EXIF.length)
      if (body.toString('latin1', 0, XMP.length) === XMP) xmp = body
    }
    at += 2 + length
  }
  if (!frame || frame.width === 0 || frame.height === 0) return undefined
  const asked = exif && exifOrientation(exif)
  return { ...frame, orientation: asked === undefined ? xmpOrientation(xmp) : validOrientation(asked) }
}

/** Undefined where it says none, or cannot be followed. */
function exifOrientation(tiff: Buffer): number | undefined {
  const order = tiff.toString('latin1', 0, 2)
  if (tiff.length < 8 || (order !== 'II' && order !== 'MM')) return undefined
  const number = (at: number, bytes: 1 | 2 | 4) =>
    at + bytes > tiff.length ? Number.NaN : order === 'II' ? tiff.readUIntLE(at, bytes) : tiff.readUIntBE(at, bytes)
  const directory = number(4, 4)
  const count = number(directory, 2)
  for (let i = 0; i < count; i++) {
    const entry = directory + 2 + 12 * i
    const tag = number(entry, 2)
    if (Number.isNaN(tag)) return undefined
    if (tag !== ORIENTATION_TAG) continue
    const bytes = TYPES[number(entry + 2, 2)]
    return bytes && number(entry + 8, bytes)
  }
  return undefined
}
