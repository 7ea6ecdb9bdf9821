/**
 * The first frame of a GIF as Pillow has it: colours of the palette, whatever is transparent. Decoders that give RGBA make
 * transparent pixels black, which a model would learn from. Source: https://www.w3.org/Graphics/GIF/spec-gif89a.txt
 */
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Rgb } from '../colour.js'
import type { DecodedPicture } from '../picture.js'
import { Bytes } from './bytes.js'
import { inTurns } from './turns.js'

const EXTENSION = 0x21
const GRAPHIC_CONTROL = 0xf9
const FRAME = 0x2c

type Frame = { left: number; top: number; width: number; height: number; interlaced: boolean; palette?: Uint8Array }

/** @throws Error when it has none */
export function gifSize(data: Buffer): { width: number; height: number } {
  const bytes = new Bytes(data)
  bytes.skip(6) // GIF87a or GIF89a
  const [width, height] = [bytes.u16(), bytes.u16()]
  if (width === 0 || height === 0) throw new Error(`its size is ${width} × ${height}`)
  return { width, height }
}

/**
 * What the frame leaves free has the transparent colour, or without one the palette's first.
 * @param background what is seen through transparent pixels; their own colour by default
 * @throws Error that says what is wrong with the file
 */
export async function decodeGif(data: Buffer, background?: Rgb): Promise<DecodedPicture> {
  const { width, height } = gifSize(data)
  const bytes = new Bytes(data)
  bytes.skip(10)
  const shared = paletteOf(bytes, bytes.u8(), 2)
  let transparent: number | undefined
  for (;;) {
    const block = bytes.u8()
    if (block === EXTENSION) {
      const isControl = bytes.u8() === GRAPHIC_CONTROL
      const content = subBlocks(bytes)
      if (isControl && content.length >= 4) transparent = content[0]! & 1 ? content[3] : undefined
    } else if (block === FRAME) {
      const frame = frameOf(bytes)
      const palette = frame.palette ?? shared
      const indices = new Uint8Array(width * height).fill(transparent ?? 0)
      place(await decompress(bytes, frame), frame, indices, width, height)
      const through = transparent === undefined ? undefined : background
      const colours = coloursOf(palette, transparent, through)
      const data = new Uint8Array(indices.length * 3)
      await inTurns(indices.length, (from, to) => {
        for (let i = from; i < to; i++) for (let c = 0; c < 3; c++) data[3 * i + c] = colours[3 * indices[i]! + c]!
      })
      return { width, height, data, channels: 3, indexed: !through && !isGreyRamp(palette) }
    } else throw new Error('it ends before its first frame')
  }
}

/** A palette follows where the flags' highest bit is set; `skip` bytes lie before it. */
function paletteOf(bytes: Bytes, flags: number, skip: number): Uint8Array | undefined {
  bytes.skip(skip)
  return flags & 0x80 ? bytes.take(3 * 2 ** ((flags & 7) + 1)) : undefined
}

function frameOf(bytes: Bytes): Frame {
  const [left, top, width, height] = [bytes.u16(), bytes.u16(), bytes.u16(), bytes.u16()]
  const flags = bytes.u8()
  const palette = paletteOf(bytes, flags, 0)
  return { left, top, width, height, interlaced: (flags & 0x40) !== 0, ...(palette && { palette }) }
}

function subBlocks(bytes: Bytes): Uint8Array {
  const parts: Uint8Array[] = []
  for (let length = bytes.u8(); length > 0; length = bytes.u8()) parts.push(bytes.take(length))
  return Buffer.concat(parts)
}

const MOST_CODES = 4096
/** Pixels after which others have their turn. */
const PAUSE = 1 << 18

/** LZW with codes of growing width, lowest bit first. @returns the frame's indices, row after row as they are stored */
async function decompress(bytes: Bytes, { width, height }: Frame): Promise<Uint8Array> {
  const smallest = bytes.u8()
  if (smallest < 1 || smallest > 11) throw new Error(`its codes begin with ${smallest} bits`)
  const clear = 1 << smallest
  const out = new Uint8Array(width * height)
  const prefix = new Int16Array(MOST_CODES)
  const suffix = Uint8Array.from({ length: MOST_CODES }, (_, i) => i)
  const lengths = new Uint16Array(MOST_CODES).fill(1)
  let at = 0
  let next = clear + 2
  let size = smallest + 1
  let previous = -1
  let bits = 0
  let held = 0
  let pause = PAUSE
  for (let left = bytes.u8(); at < out.length; ) {
    if (at >= pause) {
      await nextTurn()
      pause = at + PAUSE
    }
    while (held < size) {
      if (left === 0) throw new Error('its first frame is cut short')
      bits |= bytes.u8() << held
      held += 8
      if (--left === 0) left = bytes.u8()
    }
    const code = bits & ((1 << size) - 1)
    bits >>>= size
    held -= size
    if (code === clear) {
      next = clear + 2
      size = smallest + 1
      previous = -1
      continue
    }
    if (code === clear + 1) throw new Error('its first frame is cut short')
    if (code > next || (code === next && previous < 0)) throw new Error('its first frame is damaged')
    // A code that is only being made is the one before with its own first index at its end.
    const known = code < next ? code : previous
    const length = lengths[known]!
    let from = known
    for (let i = at + length - 1; i >= at; i--) {
      if (i < out.length) out[i] = suffix[from]!
      if (i > at) from = prefix[from]!
    }
    const first = suffix[from]!
    if (code === next && at + length < out.length) out[at + length] = first
    at += code === next ? length + 1 : length
    if (previous >= 0 && next < MOST_CODES) {
      prefix[next] = previous
      suffix[next] = first
      lengths[next] = lengths[previous]! + 1
      next++
      if (next === 1 << size && size < 12) size++
    }
    previous = code
  }
  return out
}

/** Every eighth row from 0, every eighth from 4, every fourth from 2, every second from 1. */
const PASSES = [
  [0, 8],
  [4, 8],
  [2, 4],
  [1, 2],
] as const

function place(stored: Uint8Array, frame: Frame, to: Uint8Array, width: number, height: number): void {
  const { left, top, interlaced } = frame
  const rows = Array.from({ length: frame.height }, (_, y) => y)
  const order = interlaced
    ? PASSES.flatMap(([first, step]) => rows.filter((y) => y % step === first % step && y >= first))
    : rows
  const used = Math.max(0, Math.min(frame.width, width - left))
  for (const [row, y] of order.entries()) {
    if (top + y >= height) continue
    to.set(stored.subarray(row * frame.width, row * frame.width + used), (top + y) * width + left)
  }
}

/** RGB of each index: without a palette greys, beyond its end black. */
function coloursOf(
  palette: Uint8Array | undefined,
  transparent: number | undefined,
  through: Rgb | undefined,
): Uint8Array {
  const colours = Uint8Array.from({ length: 3 * 256 }, (_, i) => (palette ? (palette[i] ?? 0) : Math.floor(i / 3)))
  if (through) colours.set(through, 3 * transparent!)
  return colours
}

/** Such pictures are grey to Pillow and have no palette. */
function isGreyRamp(palette: Uint8Array | undefined): boolean {
  return palette === undefined || palette.every((value, i) => value === Math.floor(i / 3))
}
