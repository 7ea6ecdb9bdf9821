/** From decoded pictures to a model's pixels, with one resize for training and serving alike. */
import { ClipwrightError } from '../errors.js'
import { callNative, native } from '../native.js'
import type { ImageSource, Pixels } from '../types.js'
import { decodeImage, nameOf, type Rgb } from './decode.js'

export type PreprocessOptions = {
  /** Side of the result in pixels. */
  size: number
  /** crop: short side to size, then the central square. letterbox: long side to size, pasted on grey 128. */
  mode?: 'crop' | 'letterbox'
  /** Honour the EXIF orientation; false equals the Python tools. Not for Pixels, which have none. */
  orient?: boolean
}

const GREY = 128

/**
 * One picture as the model sees it: [1, size, size, 3] RGB. Equal to torchvision's Resize (bicubic, antialiased) and
 * CenterCrop on Pillow's pixels, bit for bit; the decoder may differ from Pillow's by 3 levels in JPEG files.
 * @throws ClipwrightError ERR_INVALID_ARGUMENT, ERR_NOT_FOUND, ERR_IMAGE
 */
export async function preprocessImage(source: ImageSource | Pixels, options: PreprocessOptions): Promise<Pixels> {
  const { size, mode = 'crop', orient = true } = options
  if (!Number.isInteger(size) || size < 1 || size > 16384)
    throw new ClipwrightError(
      'ERR_INVALID_ARGUMENT',
      `preprocessImage: expected a whole size of 1 to 16384, got ${size}`,
    )
  if (mode !== 'crop' && mode !== 'letterbox')
    throw new ClipwrightError(
      'ERR_INVALID_ARGUMENT',
      `preprocessImage: expected mode "crop" or "letterbox", got "${mode}"`,
    )
  const rgb = isPixels(source) ? fromPixels(source) : await decodeImage(source, { orient })
  const data = mode === 'crop' ? await centreCrop(rgb, size, nameOrPixels(source)) : await letterbox(rgb, size)
  return { shape: [1, size, size, 3], data }
}

function isPixels(source: unknown): source is Pixels {
  return typeof source === 'object' && source !== null && 'shape' in source && 'data' in source
}

function nameOrPixels(source: ImageSource | Pixels): string {
  return isPixels(source) ? 'the pixels given' : nameOf(source)
}

function fromPixels({ shape, data }: Pixels): Rgb {
  const [n, height, width, channels] = shape
  if (n !== 1 || channels !== 3 || !(data instanceof Uint8Array) || data.length !== height * width * 3)
    throw new ClipwrightError(
      'ERR_INVALID_ARGUMENT',
      `preprocessImage: expected pixels of shape [1, height, width, 3] with as many bytes, got [${shape}] with ${data?.length}`,
    )
  return { width, height, data }
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
  const out = new Uint8Array(size * size * 3).fill(GREY)
  for (let y = 0; y < outHeight; y++)
    out.set(small.subarray(y * outWidth * 3, (y + 1) * outWidth * 3), ((top + y) * size + left) * 3)
  return out
}

/** Pictures decoded side by side: as many as libuv has threads, and a few waiting. */
const CONCURRENCY = 8

/**
 * Many pictures as one batch [n, size, size, 3], in order.
 * @throws what preprocessImage throws for the first bad picture; signal.reason at an abort
 */
export async function loadPixels(
  sources: readonly ImageSource[],
  options: PreprocessOptions & { signal?: AbortSignal },
): Promise<Pixels> {
  const { size, signal } = options
  const one = size * size * 3
  const data = new Uint8Array(sources.length * one)
  let next = 0
  const work = async () => {
    while (next < sources.length) {
      const i = next++
      signal?.throwIfAborted()
      data.set((await preprocessImage(sources[i] as ImageSource, options)).data, i * one)
    }
  }
  const workers = Array.from({ length: Math.min(CONCURRENCY, sources.length) }, work)
  try {
    await Promise.all(workers)
  } finally {
    next = sources.length // the others stop after the picture they are at
  }
  return { shape: [sources.length, size, size, 3], data }
}
