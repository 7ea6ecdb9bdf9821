/** JPEG, PNG, WebP, TIFF and AVIF by sharp, with the pixels that Pillow gives. */
import type { Metadata, OutputInfo, Sharp } from 'sharp'
import type { Rgb } from '../colour.js'
import type { PictureKind } from '../kinds.js'
import { orientationOf, turn } from '../orientation.js'
import type { DecodedPicture } from '../picture.js'
import { hasTiffPalette } from '../tiff-palette.js'

type SharpModule = typeof import('sharp').default
let loading: Promise<SharpModule> | undefined

/** sharp, loaded at the first picture; many pictures are decoded side by side, so each takes one thread. */
export function loadSharp(): Promise<SharpModule> {
  loading ??= import('sharp').then(({ default: sharp }) => {
    sharp.cache(false)
    sharp.concurrency(1)
    return sharp
  })
  return loading
}

/** Longer than any picture of the largest size takes on a slow machine. */
const DECODE_SECONDS = 60

export type SharpPicture = { image: Sharp; metadata: Metadata; width: number; height: number }

/** Reads the header. @throws Error of libvips */
export async function openWithSharp(data: Buffer): Promise<SharpPicture> {
  const sharp = await loadSharp()
  // failOn: libtiff gives black rows where it fails, and says so at this level only. ignoreIcc, because libvips would apply
  // an embedded colour profile.
  const image = sharp(data, { failOn: 'error', ignoreIcc: true, autoOrient: false }).timeout({
    seconds: DECODE_SECONDS,
  })
  const metadata = await image.metadata()
  return { image, metadata, width: metadata.width, height: metadata.height }
}

export async function decodeWithSharp(
  { image, metadata }: SharpPicture,
  data: Buffer,
  kind: PictureKind,
  { orient, alpha, background }: { orient: boolean; alpha: boolean; background?: Rgb | undefined },
): Promise<DecodedPicture> {
  const turned = turn(image, orientationOf(kind, metadata, data, orient))
  if (metadata.space === 'cmyk') return cmykToRgb(turned)
  const flat = metadata.hasAlpha && background !== undefined
  const indexed = !flat && isIndexed(metadata, data)
  const keepsAlpha = alpha && metadata.hasAlpha && !indexed && !flat
  const over = flat ? turned.flatten({ background: { r: background[0], g: background[1], b: background[2] } }) : turned
  const plain = over.toColourspace('srgb')
  const { data: pixels, info } = await (keepsAlpha ? plain : plain.removeAlpha())
    .raw()
    .toBuffer({ resolveWithObject: true })
  const channels = keepsAlpha ? 4 : 3
  requireChannels(info, channels)
  return { width: info.width, height: info.height, data: pixels, channels, indexed }
}

/** Pillow's modes 'P' and '1'. */
function isIndexed({ format, isPalette, bitsPerSample, space }: Metadata, data: Buffer): boolean {
  if (isPalette || (format === 'tiff' && hasTiffPalette(data))) return true
  return bitsPerSample === 1 && space === 'b-w'
}

/** R = (255-C)(255-K)/255 and so on, rounded; JPEG stores Adobe's inverted values, which sharp has turned already. */
async function cmykToRgb(image: Sharp): Promise<DecodedPicture> {
  const { data, info } = await image
    .pipelineColourspace('cmyk') // without it, libvips would convert through a profile of its own
    .toColourspace('cmyk')
    .removeAlpha()
    .raw()
    .toBuffer({ resolveWithObject: true })
  requireChannels(info, 4)
  const pixels = info.width * info.height
  const rgb = new Uint8Array(pixels * 3)
  for (let i = 0; i < pixels; i++) {
    const white = 255 - (data[4 * i + 3] as number)
    for (let c = 0; c < 3; c++) rgb[3 * i + c] = Math.round(((255 - (data[4 * i + c] as number)) * white) / 255)
  }
  return { width: info.width, height: info.height, data: rgb, channels: 3, indexed: false }
}

function requireChannels({ channels }: OutputInfo, expected: number): void {
  if (channels !== expected) throw new Error(`expected ${expected} channels, got ${channels}`)
}
