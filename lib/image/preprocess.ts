/** From decoded pictures to a model's pixels, with one resize for training and serving alike. */
import { z } from 'zod'
import { requireArray, requireShape } from '../base/arrays.js'
import { ClipwrightError } from '../base/errors.js'
import { parseOptions } from '../base/options.js'
import type { ImageSource, Pixels } from '../base/types.js'
import { callNative, native } from '../native/addon.js'
import { decodeImage, type Rgb } from './decode.js'
import { isPictureFault } from './fault.js'
import { pasteOnGrey } from './paste.js'
import { RESIZES, type Resize } from './resizes.js'
import { type KeptSource, keepSource, nameOf } from './source.js'

/** What a picture is fitted to. */
export type PreprocessOptions = {
  /** Side of the result in pixels. */
  size: number
  /**
   * crop: short side to size, then the central square. letterbox: long side to size, pasted on grey 128. squash: both sides
   * to size, whatever their ratio.
   */
  mode?: Resize
  /** Honour the EXIF orientation; false equals the Python tools. Not for Pixels, which have none. */
  orient?: boolean
}

const schema = z.strictObject({
  size: z.int().min(1).max(16384),
  mode: z.enum(RESIZES).default('crop'),
  orient: z.boolean().default(true),
})

/**
 * One picture as the model sees it: [1, size, size, 3] RGB. Equal to torchvision's Resize (bicubic, antialiased) and
 * CenterCrop on Pillow's pixels, bit for bit; the decoder may differ from Pillow's by 3 levels in JPEG files.
 * Bytes and pixels handed in are copied before the call returns.
 * @throws ClipwrightError ERR_INVALID_ARGUMENT, ERR_NOT_FOUND, ERR_IO, ERR_IMAGE
 */
export async function preprocessImage(source: ImageSource | Pixels, options: PreprocessOptions): Promise<Pixels> {
  const settings = parseOptions(schema, options, 'preprocessImage')
  const kept = isPixels(source) ? copyPixels(source) : keepSource(source, 'preprocessImage: source')
  return { shape: [1, settings.size, settings.size, 3], data: await preprocess(kept, settings) }
}

/** [size, size, 3] */
async function preprocess(source: KeptSource | Rgb, { size, mode, orient }: z.output<typeof schema>) {
  const [rgb, name] = isRgb(source) ? [source, 'the picture'] : [await decodeImage(source, { orient }), nameOf(source)]
  if (mode === 'crop') return centreCrop(rgb, size, name)
  return mode === 'letterbox' ? letterbox(rgb, size) : squash(rgb, size)
}

function isPixels(source: unknown): source is Pixels {
  return typeof source === 'object' && source !== null && 'shape' in source && 'data' in source
}

function isRgb(source: KeptSource | Rgb): source is Rgb {
  return typeof source === 'object' && 'data' in source
}

function copyPixels({ shape, data }: Pixels): Rgb {
  const where = 'preprocessImage: source'
  const names = '[1, height, width, 3]'
  const [, height, width] = requireShape(shape, [1, null, null, 3], `${where}.shape`, names) as Pixels['shape']
  if (height === 0 || width === 0)
    throw new ClipwrightError('ERR_INVALID_ARGUMENT', `${where}: expected at least one pixel, got [${shape}].`)
  return { width, height, data: new Uint8Array(requireArray(data, 'Uint8Array', height * width * 3, `${where}.data`)) }
}

/** round(x) with halves to even, as Python's round. */
function roundHalfEven(x: number): number {
  const below = Math.floor(x)
  const rest = x - below
  if (rest !== 0.5) return Math.round(x)
  return below % 2 === 0 ? below : below + 1
}

/** torchvision: short side to size, long side int(size·long/short); offset round((n-size)/2). */
async function centreCrop({ width, height, data }: Rgb, size: number, name: string): Promise<Uint8Array> {
  const short = Math.min(width, height)
  const long = Math.floor((size * Math.max(width, height)) / short)
  if (long > 1 << 24)
    throw new ClipwrightError(
      'ERR_IMAGE',
      `${name} is ${width} × ${height} pixels, too thin to resize to a short side of ${size}`,
    )
  const [outWidth, outHeight] = width <= height ? [size, long] : [long, size]
  const left = roundHalfEven((outWidth - size) / 2)
  const top = roundHalfEven((outHeight - size) / 2)
  return callNative(() =>
    native().resizeBicubic({
      data,
      width,
      height,
      box: [0, 0, width, height],
      outWidth,
      outHeight,
      window: [left, top, size, size],
    }),
  )
}

function squash({ width, height, data }: Rgb, size: number): Promise<Uint8Array> {
  const box: [number, number, number, number] = [0, 0, width, height]
  return callNative(() => native().resizeBicubic({ data, width, height, box, outWidth: size, outHeight: size }))
}

/** Sides max(1, int(side·scale)), pasted at (size-n)//2. */
async function letterbox({ width, height, data }: Rgb, size: number): Promise<Uint8Array> {
  const scale = Math.min(size / width, size / height)
  const outWidth = Math.max(1, Math.floor(width * scale))
  const outHeight = Math.max(1, Math.floor(height * scale))
  const small = await callNative(() =>
    native().resizeBicubic({ data, width, height, box: [0, 0, width, height], outWidth, outHeight }),
  )
  const left = Math.floor((size - outWidth) / 2)
  const top = Math.floor((size - outHeight) / 2)
  return pasteOnGrey({ width: outWidth, height: outHeight, data: small }, size, left, top)
}

/** Pictures decoded side by side: as many as libuv has threads, and a few waiting. */
const CONCURRENCY = 8

/** A picture that cannot be read. */
export type BadImage = {
  /** Its place among the pictures that were asked for. */
  index: number
  /** Its path, or what else it is called. */
  image: string
  error: ClipwrightError
}

export type LoadPixelsOptions = PreprocessOptions & {
  signal?: AbortSignal
  /** Is told of pictures that cannot be read, in order; they are left out. Without it the first of them is an error. */
  onBad?: (bad: BadImage) => void
}

/**
 * Many pictures as one batch [n, size, size, 3], in order. The sources are the library's own: nothing is copied.
 * @throws what preprocessImage throws for a bad picture; signal.reason at an abort
 */
export async function loadPixels(
  sources: readonly KeptSource[],
  { signal, onBad, ...options }: LoadPixelsOptions,
): Promise<Pixels> {
  const settings = parseOptions(schema, options, 'loadPixels')
  const { size } = settings
  const one = size * size * 3
  const data = new Uint8Array(sources.length * one)
  const bad: BadImage[] = []
  let next = 0
  const work = async () => {
    while (next < sources.length) {
      const i = next++
      signal?.throwIfAborted()
      const source = sources[i] as KeptSource
      try {
        data.set(await preprocess(source, settings), i * one)
      } catch (error) {
        if (!onBad || !isPictureFault(error)) throw error
        bad.push({ index: i, image: nameOf(source), error })
      }
    }
  }
  const workers = Array.from({ length: Math.min(CONCURRENCY, sources.length) }, work)
  try {
    await Promise.all(workers)
  } finally {
    next = sources.length // the others stop after the picture they are at
  }
  bad.sort((a, b) => a.index - b.index)
  for (const each of bad) onBad?.(each)
  const count = closeUp(data, one, new Set(bad.map(({ index }) => index)))
  return { shape: [count, size, size, 3], data: data.subarray(0, count * one) }
}

/** Moves the pictures that follow bad ones to the front. @returns how many are good */
function closeUp(data: Uint8Array, one: number, bad: ReadonlySet<number>): number {
  const count = data.length / one
  if (bad.size === 0) return count
  let to = 0
  for (let from = 0; from < count; from++) {
    if (!bad.has(from)) data.copyWithin(one * to++, one * from, one * (from + 1))
  }
  return to
}
