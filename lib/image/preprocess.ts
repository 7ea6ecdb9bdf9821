/** From decoded pictures to a model's pixels, with one resize for training and serving alike. */
import { z } from 'zod'
import { requireArray, requireShape } from '../base/arrays.js'
import { ClipwrightError } from '../base/errors.js'
import { parseOptions } from '../base/options.js'
import type { ImageSource, Pixels } from '../base/types.js'
import { COLOUR, COLOUR_EXPECTED, parseColour } from './colour.js'
import { withBytes, withPicture } from './decode.js'
import { isPictureFault } from './fault.js'
import { paste, pasteOnGrey } from './paste.js'
import type { DecodedPicture, Picture } from './picture.js'
import type { PictureCache } from './picture-cache.js'
import { resizePicture } from './resize.js'
import {
  CONVERTS,
  type Convert,
  DECODES,
  type Decode,
  INTERPOLATIONS,
  type Interpolation,
  RESIZES,
  type Resize,
} from './resizes.js'
import { addressOf, type ImageAddress, nameOf } from './source.js'

/** What a picture is fitted to, and how. */
export type PreprocessOptions = {
  /** Side of the result in pixels. */
  size: number
  /**
   * crop: short side to size, then the central square. letterbox: long side to size, rounded down, bicubic, pasted on grey 128
   * as the reference does. pad: long side to size, rounded, padded about the centre as open_clip's "longest" does. squash: both
   * sides to size, whatever their ratio. 'crop' by default.
   */
  mode?: Resize
  /** 'bicubic' by default; the reference's models take 'bilinear'. */
  interpolation?: Interpolation
  /**
   * When pictures become RGB; 'before' they are resized by default. 'after' is what open_clip, OpenAI and Chinese-CLIP do:
   * pictures with a palette are then resized by the nearest pixel, and alpha weighs the colours.
   */
  convert?: Convert
  /** What is seen through transparent pixels, as '#fff'; by default the colour that the file keeps below them. */
  background?: string
  /** Grey level that `pad` fills up with, 0 by default. */
  fill?: number
  /** Draw SVG files, each in a process of its own and within ten seconds; they are refused by default. */
  svg?: boolean
  /**
   * Honour the orientation that the file asks for (EXIF, XMP, the containers of AVIF and HEIC); false equals the Python
   * tools, for which Pillow turns TIFF files alone. Not for Pixels, which have none.
   */
  orient?: boolean
}

const schema = z.strictObject({
  size: z.int().min(1).max(16384),
  mode: z.enum(RESIZES).default('crop'),
  interpolation: z.enum(INTERPOLATIONS).default('bicubic'),
  convert: z.enum(CONVERTS).default('before'),
  background: z.string().regex(COLOUR, { error: COLOUR_EXPECTED }).optional(),
  fill: z.int().min(0).max(255).default(0),
  svg: z.boolean().default(false),
  orient: z.boolean().default(true),
})

const manySchema = schema.extend({ decode: z.enum(DECODES).default('exact') })

type Settings = z.output<typeof schema> & { decode?: Decode }

/**
 * One picture as the model sees it: [1, size, size, 3] RGB. Equal to torchvision's Resize (antialiased) and CenterCrop on
 * Pillow's pixels, bit for bit; the decoder may differ from Pillow's by 3 levels in JPEG files.
 * Bytes and pixels handed in are copied before the call returns.
 * @throws ClipwrightError ERR_INVALID_ARGUMENT, ERR_NOT_FOUND, ERR_IO, ERR_IMAGE
 */
export async function preprocessImage(source: ImageSource | Pixels, options: PreprocessOptions): Promise<Pixels> {
  const settings = parseOptions(schema, options, 'preprocessImage')
  const data = isPixels(source)
    ? await fit(copyPixels(source), settings, 'the picture')
    : await preprocess(addressOf(source, 'preprocessImage: source'), settings)
  return { shape: [1, settings.size, settings.size, 3], data }
}

/** [size, size, 3] @param into where it may go, which is given back then */
function preprocess(source: ImageAddress, settings: Settings, into?: Uint8Array): Promise<Uint8Array> {
  return withPicture(source, decodeOptions(settings), (picture) => fit(picture, settings, nameOf(source), into))
}

export type FitOptions = PreprocessOptions & {
  /** 'exact' by default; 'fast' is for training. */
  decode?: Decode
}

/**
 * Fits sources of the library's own, one at a time, to [size, size, 3]; `into` is where a picture may go, which is given back then.
 * What it gives throws as preprocessImage.
 * @param cache of what was fitted before
 */
export function pictureFitter(
  options: FitOptions,
  cache?: PictureCache,
): (source: ImageAddress, into?: Uint8Array) => Promise<Uint8Array> {
  const settings = parseOptions(manySchema, options, 'pictureFitter')
  if (!cache) return (source, into) => preprocess(source, settings, into)
  const bytes = settings.size ** 2 * 3
  return (source, into = new Uint8Array(bytes)) =>
    cache.fitted(source, settings, into, async (data) => fitBytes(data, nameOf(source), settings, into))
}

/** Of what was read already. @param name for messages */
export function bytesFitter(options: FitOptions): (data: Buffer, name: string) => Promise<Uint8Array> {
  const settings = parseOptions(manySchema, options, 'bytesFitter')
  return (data, name) => fitBytes(data, name, settings)
}

function fitBytes(data: Buffer, name: string, settings: Settings, into?: Uint8Array): Promise<Uint8Array> {
  return withBytes(data, name, decodeOptions(settings), (picture) => fit(picture, settings, name, into))
}

/** What of these settings the decoder has to know. */
export function decodeOptions(o: Pick<PreprocessOptions, 'orient' | 'convert' | 'background' | 'svg'>) {
  return {
    orient: o.orient ?? true,
    alpha: o.convert === 'after',
    svg: o.svg ?? false,
    ...(o.background !== undefined && { background: parseColour(o.background) }),
  }
}

function fit(picture: Picture, settings: Settings, name: string, into?: Uint8Array): Promise<Uint8Array> {
  switch (settings.mode) {
    case 'crop':
      return centreCrop(picture, settings, name, into)
    case 'letterbox':
      return letterbox(picture, settings)
    case 'pad':
      return pad(picture, settings)
    case 'squash':
      return whole(picture, settings, settings.size, settings.size, into)
  }
}

/** The whole picture, resized. */
function whole(
  picture: Picture,
  settings: Settings,
  outWidth: number,
  outHeight: number,
  into?: Uint8Array,
): Promise<Uint8Array> {
  return resizePicture(picture, settings, { box: [0, 0, picture.width, picture.height], outWidth, outHeight, into })
}

function isPixels(source: unknown): source is Pixels {
  return typeof source === 'object' && source !== null && 'shape' in source && 'data' in source
}

function copyPixels({ shape, data }: Pixels): DecodedPicture {
  const where = 'preprocessImage: source'
  const names = '[1, height, width, 3]'
  const [, height, width] = requireShape(shape, [1, null, null, 3], `${where}.shape`, names) as Pixels['shape']
  if (height === 0 || width === 0)
    throw new ClipwrightError('ERR_INVALID_ARGUMENT', `${where}: expected at least one pixel, got [${shape}].`)
  const own = new Uint8Array(requireArray(data, 'Uint8Array', height * width * 3, `${where}.data`))
  return { width, height, data: own, channels: 3, indexed: false }
}

/** round(x) with halves to even, as Python's round. */
function roundHalfEven(x: number): number {
  const below = Math.floor(x)
  const rest = x - below
  if (rest !== 0.5) return Math.round(x)
  return below % 2 === 0 ? below : below + 1
}

/** torchvision: short side to size, long side int(size·long/short); offset round((n-size)/2). */
async function centreCrop(picture: Picture, settings: Settings, name: string, into?: Uint8Array): Promise<Uint8Array> {
  const { width, height } = picture
  const { size } = settings
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
  const box: [number, number, number, number] = [0, 0, width, height]
  return resizePicture(picture, settings, { box, outWidth, outHeight, window: [left, top, size, size], into })
}

/** The reference's: sides max(1, int(side·scale)), pasted at (size-n)//2. */
async function letterbox(picture: Picture, settings: Settings): Promise<Uint8Array> {
  const { size } = settings
  const scale = Math.min(size / picture.width, size / picture.height)
  const width = Math.max(1, Math.floor(picture.width * scale))
  const height = Math.max(1, Math.floor(picture.height * scale))
  // Bicubic there, even for models whose crops are bilinear.
  const data = await whole(picture, { ...settings, interpolation: 'bicubic' }, width, height)
  return pasteOnGrey({ width, height, data }, size, Math.floor((size - width) / 2), Math.floor((size - height) / 2))
}

/** open_clip's ResizeKeepRatio(longest=1) and CenterCropOrPad (`src/open_clip/transform.py`): sides round(side / ratio). */
async function pad(picture: Picture, settings: Settings): Promise<Uint8Array> {
  const { size, fill } = settings
  const ratio = Math.max(picture.width / size, picture.height / size)
  const width = Math.max(1, roundHalfEven(picture.width / ratio))
  const height = Math.max(1, roundHalfEven(picture.height / ratio))
  const data = await whole(picture, settings, width, height)
  return paste({ width, height, data }, size, Math.floor((size - width) / 2), Math.floor((size - height) / 2), fill)
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

export type LoadPixelsOptions = FitOptions & {
  signal?: AbortSignal | undefined
  /** Of what was fitted before. */
  cache?: PictureCache | undefined
  /** Is told of pictures that cannot be read, in order; they are left out. Without it the first of them is an error. */
  onBad?: (bad: BadImage) => void
}

/**
 * Many pictures as one batch [n, size, size, 3], in order. The sources are the library's own: nothing is copied.
 * @throws what preprocessImage throws for a bad picture; signal.reason at an abort
 */
export async function loadPixels(
  sources: readonly ImageAddress[],
  { signal, onBad, cache, ...options }: LoadPixelsOptions,
): Promise<Pixels> {
  const fitted = pictureFitter(options, cache)
  const { size } = options
  const one = size * size * 3
  const data = new Uint8Array(sources.length * one)
  const bad: BadImage[] = []
  let next = 0
  const work = async () => {
    while (next < sources.length) {
      const i = next++
      signal?.throwIfAborted()
      const source = sources[i] as ImageAddress
      try {
        const into = data.subarray(i * one, (i + 1) * one)
        const pixels = await fitted(source, into)
        if (pixels !== into) into.set(pixels)
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
