/** Pictures to pixels, as Pillow would give them. */
import { ClipwrightError } from '../base/errors.js'
import { shortageOf, withPatience } from '../files/shortage.js'
import { Budget, pictureBudget } from './budget.js'
import type { Rgb } from './colour.js'
import { bmpSize, decodeBmp } from './decoders/bmp.js'
import { decodeGif, gifSize } from './decoders/gif.js'
import { decodeWithSharp, openWithSharp } from './decoders/sharp.js'
import { decodeSvg } from './decoders/svg.js'
import { foreignKind, kindOfPicture, type PictureKind } from './kinds.js'
import type { Picture } from './picture.js'
import { type ImageAddress, nameOf, readAddress, readBeginning } from './source.js'

export type DecodeOptions = {
  /** Honour the orientation that the file asks for; true by default. False equals the Python tools. */
  orient?: boolean
  /** Keep the alpha that weighs colours in a resize (`Picture.channels`); by default the colour that lies below it is all. */
  alpha?: boolean
  /** Lay what is transparent over this colour instead; no alpha is left then. */
  background?: Rgb
  /** Draw SVG; false by default: a drawing is a program, and may take long. */
  svg?: boolean
}

const budget = new Budget(pictureBudget())

/** Decoded pixels, and about as many while they are resized. */
const BYTES_PER_PIXEL = 8

/**
 * Decodes the first frame and hands it on; other pictures wait while this one and the work on it need their memory. Colour
 * profiles are ignored, CMYK turns by the plain formula, 16 bits keep their high byte.
 * @throws ClipwrightError ERR_NOT_FOUND when the file is missing, ERR_IO when it cannot be read, ERR_IMAGE when it is no
 *   picture that is read, is damaged or cut short, takes too long, or needs more memory than pictures may take, ERR_OUT_OF_MEMORY
 */
export async function withPicture<T>(
  source: ImageAddress,
  options: DecodeOptions,
  use: (picture: Picture) => Promise<T>,
): Promise<T> {
  const { name, opened, bytes } = await openPicture(source, options)
  return budget.spend(bytes, name, async () => use(await named(name, opened.decode)))
}

/**
 * Looks at the beginning of a picture's file: whether it is there and of a kind that is read, not whether it is whole.
 * @throws ClipwrightError ERR_NOT_FOUND, ERR_IO, ERR_IMAGE
 */
export async function examinePicture(source: ImageAddress): Promise<void> {
  requireKind(await readBeginning(source), nameOf(source), false)
}

async function openPicture(source: ImageAddress, options: DecodeOptions) {
  const name = nameOf(source)
  const data = await readAddress(source)
  const kind = requireKind(data, name, options.svg)
  const opened = await named(name, () => open(data, kind, options))
  return { name, opened, bytes: data.length + opened.width * opened.height * BYTES_PER_PIXEL }
}

/** @throws ClipwrightError ERR_IMAGE where these are not the first bytes of a picture that is read */
function requireKind(data: Buffer, name: string, svg = false): PictureKind {
  if (data.length === 0) throw new ClipwrightError('ERR_IMAGE', `expected a picture in ${name}, but it has 0 bytes`)
  const kind = kindOfPicture(data)
  if (kind === undefined) throw unknown(data, name)
  if (kind !== 'svg' || svg) return kind
  const message = `${name} is an SVG drawing, which is not read unless svg is true; turn it into a PNG first`
  throw new ClipwrightError('ERR_IMAGE', message)
}

/** One picture, for whoever needs its pixels alone. */
export function decodeImage(source: ImageAddress, options: DecodeOptions = {}): Promise<Picture> {
  return withPicture(source, options, async (picture) => picture)
}

type Opened = { width: number; height: number; decode: () => Promise<Picture> }

/** A drawing's size is known when it is drawn; sharp's limit of 2^28 pixels bounds it until then. */
const DRAWING_SIDE = 4096

async function open(data: Buffer, kind: PictureKind, o: DecodeOptions): Promise<Opened> {
  const { orient = true, alpha = false, background } = o
  switch (kind) {
    case 'gif':
      return { ...gifSize(data), decode: () => decodeGif(data, background) }
    case 'bmp':
      return { ...bmpSize(data), decode: () => decodeBmp(data) }
    case 'svg':
      return { width: DRAWING_SIDE, height: DRAWING_SIDE, decode: () => decodeSvg(data, { alpha, background }) }
    default: {
      const picture = await openWithSharp(data)
      return { ...picture, decode: () => decodeWithSharp(picture, data, kind, { orient, alpha, background }) }
    }
  }
}

async function named<T>(name: string, work: () => T | Promise<T>): Promise<T> {
  try {
    return await withPatience(`decoding ${name}`, async () => work())
  } catch (cause) {
    if (cause instanceof ClipwrightError && shortageOf(cause)) throw cause
    throw new ClipwrightError('ERR_IMAGE', `could not decode ${name}: ${firstLine(cause)}`, { cause })
  }
}

function unknown(data: Buffer, name: string): ClipwrightError {
  const foreign = foreignKind(data)
  const what = foreign ? `${name} is ${foreign}` : `${name} is no picture that is known here`
  return new ClipwrightError('ERR_IMAGE', `${what}; read are JPEG, PNG, WebP, GIF, TIFF, AVIF and BMP`)
}

function firstLine(error: unknown): string {
  return String((error as Error).message ?? error).split('\n')[0] as string
}
