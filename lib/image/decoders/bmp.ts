/**
 * BMP as Pillow reads it (BmpImagePlugin.py, libImaging/Unpack.c): 1, 4 and 8 bits with a palette, also compressed by
 * runs, 16 bits as 555 or 565, 24 and 32 bits. Ours because the packages for it at hand differ from Pillow in palettes
 * (bmp-ts 1.0.9) or know neither runs nor full 5-bit ranges (@cwasm/nsbmp 0.1.3).
 */
import type { DecodedPicture } from '../picture.js'
import { Bytes } from './bytes.js'
import { inTurns } from './turns.js'

type Header = {
  width: number
  height: number
  topDown: boolean
  bits: number
  compression: number
  masks: number[]
  /** RGB, three bytes a colour; empty without one. */
  palette: Uint8Array
  offset: number
}

const [PLAIN, RUNS_8, RUNS_4, MASKED] = [0, 1, 2, 3]
const LARGEST_SIDE = 1 << 24

/** @throws Error when it has none that makes sense */
export function bmpSize(file: Buffer): { width: number; height: number } {
  const { width, height } = readHeader(new Bytes(file))
  return { width, height }
}

/** @throws Error that says what is wrong with the file, or what of it is not supported */
export async function decodeBmp(file: Buffer): Promise<DecodedPicture> {
  const header = readHeader(new Bytes(file))
  const { width, height, bits, compression } = header
  const body = new Bytes(file)
  body.skip(header.offset)
  const rgb = { width, height, channels: 3, indexed: false } as const
  if (bits === 16) return { ...rgb, data: await from16(body, header) }
  if (bits > 16) return { ...rgb, data: await fromBytes(body, header) }
  const isRuns = compression === RUNS_8 || compression === RUNS_4
  const indices = isRuns ? runs(body, header) : await packedIndices(body, header)
  return { ...rgb, data: await coloursOf(indices, header.palette), indexed: isIndexed(header) }
}

function readHeader(bytes: Bytes): Header {
  bytes.skip(10) // BM, its size, reserved
  const offset = bytes.u32()
  const size = bytes.u32()
  if (size === 12) {
    const [width, height, , bits] = [bytes.u16(), bytes.u16(), bytes.u16(), bytes.u16()]
    const palette = bits <= 8 ? paletteOf(bytes, 2 ** bits, 3) : new Uint8Array()
    return checked({ width, height, topDown: false, bits, compression: PLAIN, masks: [], palette, offset })
  }
  if (![40, 52, 56, 64, 108, 124].includes(size)) throw new Error(`its header has ${size} bytes`)
  const [width, tall, , bits] = [bytes.i32(), bytes.i32(), bytes.u16(), bytes.u16()]
  const compression = bytes.u32()
  bytes.skip(12) // bytes of the picture, pixels per metre
  const used = bytes.u32()
  bytes.skip(4)
  const maskCount = compression === MASKED ? (size >= 56 ? 4 : 3) : 0
  const masks = Array.from({ length: maskCount }, () => bytes.u32())
  const begin = 14 + Math.max(size, bytes.at - 14)
  bytes.skip(begin - bytes.at)
  const colours = used > 0 ? used : 2 ** bits
  const palette = bits <= 8 ? paletteOf(bytes, Math.min(colours, 256), 4) : new Uint8Array()
  return checked({ width, height: Math.abs(tall), topDown: tall < 0, bits, compression, masks, palette, offset })
}

function checked(header: Header): Header {
  const { width, height, bits, compression } = header
  if (width < 1 || height < 1 || width > LARGEST_SIDE || height > LARGEST_SIDE)
    throw new Error(`its size is ${width} × ${height}`)
  const fits =
    compression === PLAIN
      ? [1, 4, 8, 16, 24, 32].includes(bits)
      : compression === MASKED
        ? bits === 16 || bits === 24 || bits === 32
        : (compression === RUNS_8 && bits === 8) || (compression === RUNS_4 && bits === 4)
  if (!fits) throw new Error(`BMP with ${bits} bits per pixel and compression ${compression} is not supported`)
  return header
}

/** Blue, green, red and perhaps a byte that means nothing. */
function paletteOf(bytes: Bytes, colours: number, each: 3 | 4): Uint8Array {
  const stored = bytes.take(colours * each)
  return Uint8Array.from({ length: colours * 3 }, (_, i) => stored[Math.floor(i / 3) * each + 2 - (i % 3)]!)
}

/** A ramp of greys is no palette to Pillow, and black and white are its mode '1'. */
function isIndexed({ palette }: Header): boolean {
  const colours = palette.length / 3
  if (colours === 2) return true
  return palette.some((value, i) => value !== Math.floor(i / 3))
}

async function coloursOf(indices: Uint8Array, palette: Uint8Array): Promise<Uint8Array> {
  const data = new Uint8Array(indices.length * 3)
  await inTurns(indices.length, (from, to) => {
    for (let i = from; i < to; i++) for (let c = 0; c < 3; c++) data[3 * i + c] = palette[3 * indices[i]! + c] ?? 0
  })
  return data
}

/** Calls `read` with each row as it is stored, filled up to four bytes, and where it belongs. */
async function eachRow(body: Bytes, h: Header, read: (row: Uint8Array, y: number) => void): Promise<void> {
  const stride = Math.ceil((h.width * h.bits) / 32) * 4
  const rowsAtOnce = Math.ceil((1 << 18) / h.width)
  const some = (from: number, to: number) => {
    for (let i = from; i < to; i++) read(body.take(stride), h.topDown ? i : h.height - 1 - i)
  }
  await inTurns(h.height, some, rowsAtOnce)
}

async function packedIndices(body: Bytes, h: Header): Promise<Uint8Array> {
  const out = new Uint8Array(h.width * h.height)
  const each = 8 / h.bits
  const mask = 2 ** h.bits - 1
  await eachRow(body, h, (row, y) => {
    for (let x = 0; x < h.width; x++) {
      const shift = 8 - h.bits * ((x % each) + 1)
      out[y * h.width + x] = (row[Math.floor(x / each)]! >> shift) & mask
    }
  })
  return out
}

const [END_OF_ROW, END, MOVE] = [0, 1, 2]

/** Runs of one or two indices, and stretches as they are; what is left out has index 0. */
function runs(body: Bytes, h: Header): Uint8Array {
  const out = new Uint8Array(h.width * h.height)
  const four = h.bits === 4
  let [x, y] = [0, 0]
  const put = (index: number) => {
    if (x < h.width && y < h.height) out[(h.topDown ? y : h.height - 1 - y) * h.width + x] = index
    x++
  }
  const nibble = (byte: number, i: number) => (i % 2 === 0 ? byte >> 4 : byte & 15)
  while (y < h.height) {
    const [count, value] = [body.u8(), body.u8()]
    if (count > 0) for (let i = 0; i < count; i++) put(four ? nibble(value, i) : value)
    else if (value === END_OF_ROW) [x, y] = [0, y + 1]
    else if (value === END) return out
    else if (value === MOVE) [x, y] = [x + body.u8(), y + body.u8()]
    else {
      const length = four ? Math.ceil(value / 2) : value
      const stored = body.take(length)
      for (let i = 0; i < value; i++) put(four ? nibble(stored[i >> 1]!, i) : stored[i]!)
      if (length % 2 === 1) body.skip(1)
    }
  }
  return out
}

/** Five and six bits become eight as Pillow has it: value · 255 / most, rounded down. */
async function from16(body: Bytes, h: Header): Promise<Uint8Array> {
  const green6 = h.masks[1] === 0x7e0
  if (h.masks.length > 0 && !green6 && h.masks[1] !== 0x3e0) throw new Error('its bit fields are neither 555 nor 565')
  const out = new Uint8Array(h.width * h.height * 3)
  const five = (value: number) => Math.floor(((value & 31) * 255) / 31)
  await eachRow(body, h, (row, y) => {
    for (let x = 0; x < h.width; x++) {
      const pixel = row[2 * x]! | (row[2 * x + 1]! << 8)
      const green = green6 ? Math.floor((((pixel >> 5) & 63) * 255) / 63) : five(pixel >> 5)
      out.set([five(pixel >> (green6 ? 11 : 10)), green, five(pixel)], (y * h.width + x) * 3)
    }
  })
  return out
}

/** 24 and 32 bits: each channel is a byte, where the masks say or blue first. A fourth byte means nothing. */
async function fromBytes(body: Bytes, h: Header): Promise<Uint8Array> {
  const each = h.bits / 8
  const places = [2, 1, 0].map((usual, channel) => {
    const mask = h.masks[channel] ?? 0
    if (h.masks.length === 0 || h.masks.every((m) => m === 0)) return usual
    const at = [0xff, 0xff00, 0xff0000, 0xff000000].indexOf(mask)
    if (at < 0 || at >= each) throw new Error('its bit fields are not whole bytes')
    return at
  })
  const out = new Uint8Array(h.width * h.height * 3)
  await eachRow(body, h, (row, y) => {
    for (let x = 0; x < h.width; x++)
      for (let c = 0; c < 3; c++) out[(y * h.width + x) * 3 + c] = row[x * each + places[c]!]!
  })
  return out
}
