/** Pictures to pixels, as Pillow would give them. */
import { ClipwrightError } from '../base/errors.js'
import { shortageOf, withPatience } from '../files/shortage.js'
import { Budget, pictureBudget } from './budget.js'
import type { Rgb } from './colour.js'
import { bmpSize, decodeBmp } from './decoders/bmp.js'
import { decodeGif, gifSize } from './decoders/gif.js'
import { type JpegHeader, jpegHeader } from './decoders/jpeg.js'
import { decodeWithSharp, openWithSharp } from './decoders/sharp.js'
import { decodeSvg } from './decoders/svg.js'
import { foreignKind, kindOfPicture, type PictureKind } from './kinds.js'
import type { DecodedPicture, Picture } from './picture.js'
import { pixelsOf, Undecodable } from './resize.js'
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
 * Opens the first frame and hands it on; other pictures wait while this one and the work on it need their memory. Colour
 * profiles are ignored, CMYK turns by the plain formula, 16 bits keep their high byte. What `resizePicture` finds wrong with
 * a JPEG, which is decoded there, is told here.
 * @throws ClipwrightError ERR_NOT_FOUND when the file is missing, ERR_IO when it cannot be read, ERR_IMAGE when it is no
 *   picture that is read, is damaged or cut short, takes too long, or needs more memory than pictures may take, ERR_OUT_OF_MEMORY
 */
export async function withPicture<T>(
  source: ImageAddress,
  options: DecodeOptions,
  use: (picture: Picture) => Promise<T>,
): Promise<T> {
  return withBytes(await readAddress(source), nameOf(source), options, use)
}

/** The same of what was read already. @param name for messages */
export async function withBytes<T>(
  data: Buffer,
  name: string,
  options: DecodeOptions,
  use: (picture: Picture) => Promise<T>,
): Promise<T> {
  const kind = requireKind(data, name, options.svg)
  const opened = await named(name, () => open(data, kind, options))
  const bytes = data.length + opened.width * opened.height * BYTES_PER_PIXEL
  return budget.spend(bytes, name, async () => {
    const picture = await named(name, opened.decode)
    try {
      return await use(picture)
    } catch (cause) {
      throw cause instanceof Undecodable ? undecodable(name, cause) : cause
    }
  })
}

/**
 * Looks at the beginning of a picture's file: whether it is there and of a kind that is read, not whether it is whole.
 * @throws ClipwrightError ERR_NOT_FOUND, ERR_IO, ERR_IMAGE
 */
export async function examinePicture(source: ImageAddress): Promise<void> {
  requireKind(await readBeginning(source), nameOf(source), false)
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

/** One picture, for whoever needs its pixels alone. @throws as `withPicture` */
export async function decodeImage(source: ImageAddress, options: DecodeOptions = {}): Promise<DecodedPicture> {
  return decodeBytes(await readAddress(source), nameOf(source), options)
}

/** Of what was read already. @param name for messages */
export function decodeBytes(data: Buffer, name: string, options: DecodeOptions): Promise<DecodedPicture> {
  return withBytes(data, name, options, async (picture) => {
    if ('data' in picture) return picture
    const { width, height, channels, indexed } = picture
    return { width, height, channels, indexed, data: await pixelsOf(picture) }
  })
}

type Opened = { width: number; height: number; decode: () => Promise<Picture> }

/** A drawing's size is known when it is drawn; sharp's limit of 2^28 pixels bounds it until then. */
const DRAWING_SIDE = 4096

async function open(data: Buffer, kind: PictureKind, o: DecodeOptions): Promise<Opened> {
  const { orient = true, alpha = false, background } = o
  const jpeg = kind === 'jpeg' ? jpegHeader(data) : undefined
  if (jpeg) return openJpeg(data, jpeg, orient) // sharp reads all others, and says what is wrong with what is none
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

function openJpeg(data: Buffer, { width: w, height: h, ...header }: JpegHeader, orient: boolean): Opened {
  const orientation = orient ? header.orientation : 1
  const [width, height] = orientation >= 5 ? [h, w] : [w, h]
  const picture = { width, height, channels: 3, indexed: false, jpeg: data, orientation } as const
  return { width, height, decode: async () => picture }
}

async function named<T>(name: string, work: () => T | Promise<T>): Promise<T> {
  try {
    return await withPatience(`decoding ${name}`, async () => work())
  } catch (cause) {
    if (cause instanceof ClipwrightError && shortageOf(cause)) throw cause
    throw undecodable(name, cause)
  }
}

function undecodable(name: string, cause: unknown): ClipwrightError {
  return new ClipwrightError('ERR_IMAGE', `could not decode ${name}: ${reasonOf(cause)}`, { cause })
}

function unknown(data: Buffer, name: string): ClipwrightError {
  const foreign = foreignKind(data)
  const what = foreign ? `${name} is ${foreign}` : `${name} is no picture that is known here`
  return new ClipwrightError('ERR_IMAGE', `${what}; read are JPEG, PNG, WebP, GIF, TIFF, AVIF and BMP`)
}

/** What libvips says of damage; which of these it says changes with what else it decodes at the time. */
const DAMAGED = /^(Unknown error|.*libpng read error|.*corrupt header.*|)$/

function reasonOf(error: unknown): string {
  const [line = ''] = String((error as Error).message ?? error).split('\n')
  return DAMAGED.test(line) ? 'it is damaged or cut short' : line
}
