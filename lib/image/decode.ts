/** Pictures to RGB bytes, as Pillow's `Image.open(path).convert('RGB')` would give them. */
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import type { Metadata, Sharp } from 'sharp'
import { ClipwrightError } from '../errors.js'
import type { ImageSource } from '../types.js'

export type Rgb = { width: number; height: number /** [height, width, 3] */; data: Uint8Array }

type SharpModule = typeof import('sharp').default
let loading: Promise<SharpModule> | undefined

/** sharp, loaded at the first picture; many pictures are decoded side by side, so each takes one thread. */
function loadSharp(): Promise<SharpModule> {
  loading ??= import('sharp').then(({ default: sharp }) => {
    sharp.cache(false)
    sharp.concurrency(1)
    return sharp
  })
  return loading
}

/** How a source is called in messages. */
export function nameOf(source: ImageSource): string {
  if (typeof source === 'string') return source
  return source instanceof URL ? source.href : `a buffer of ${source.length} bytes`
}

/**
 * Decodes the first frame. Alpha is dropped, colour profiles are ignored, CMYK turns by the plain formula, 16 bits keep
 * their high byte. The EXIF orientation is honoured unless orient is false, which equals the Python tools.
 * @throws ClipwrightError ERR_NOT_FOUND when the file is missing, ERR_IMAGE when it is no picture, cut short or empty
 */
export async function decodeImage(source: ImageSource, { orient = true }: { orient?: boolean } = {}): Promise<Rgb> {
  const name = nameOf(source)
  const bytes = await readSource(source, name)
  if (bytes.length === 0) throw new ClipwrightError('ERR_IMAGE', `expected a picture in ${name}, but it has 0 bytes`)
  const sharp = await loadSharp()
  try {
    const metadata = await sharp(bytes, { failOn: 'truncated' }).metadata()
    // Without this, libvips would apply an embedded colour profile.
    let image = sharp(bytes, { failOn: 'truncated', ignoreIcc: true })
    if (orient) image = image.autoOrient()
    return await toRgb(image, metadata)
  } catch (cause) {
    throw new ClipwrightError('ERR_IMAGE', `could not decode ${name}: ${firstLine(cause)}`, { cause })
  }
}

async function readSource(source: ImageSource, name: string): Promise<Buffer> {
  if (Buffer.isBuffer(source)) return source
  try {
    return await readFile(typeof source === 'string' ? source : fileURLToPath(source))
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code
    if (code === 'ENOENT' || code === 'ENOTDIR')
      throw new ClipwrightError('ERR_NOT_FOUND', `expected a picture at ${name}, but there is no such file`, { cause })
    throw new ClipwrightError('ERR_IO', `could not read ${name}: ${firstLine(cause)}`, { cause })
  }
}

async function toRgb(image: Sharp, metadata: Metadata): Promise<Rgb> {
  if (metadata.space === 'cmyk') return cmykToRgb(image)
  // A wide grey or RGB picture keeps its high byte; libvips would divide by 257 and round.
  if (metadata.depth === 'ushort') return wideToRgb(image)
  const { data, info } = await image.toColourspace('srgb').removeAlpha().raw().toBuffer({ resolveWithObject: true })
  return { width: info.width, height: info.height, data: spread(data, info.channels) }
}

async function wideToRgb(image: Sharp): Promise<Rgb> {
  const { data, info } = await image
    .removeAlpha()
    .toColourspace(await wideSpace(image))
    .raw({ depth: 'ushort' })
    .toBuffer({ resolveWithObject: true })
  const wide = new Uint16Array(data.buffer, data.byteOffset, data.byteLength / 2)
  return {
    width: info.width,
    height: info.height,
    data: spread(
      Uint8Array.from(wide, (x) => x >> 8),
      info.channels,
    ),
  }
}

async function wideSpace(image: Sharp): Promise<'rgb16' | 'grey16'> {
  return (await image.metadata()).space === 'grey16' ? 'grey16' : 'rgb16'
}

/** R = (255-C)(255-K)/255 and so on, rounded; JPEG stores Adobe's inverted values, which sharp has turned already. */
async function cmykToRgb(image: Sharp): Promise<Rgb> {
  const { data, info } = await image
    .pipelineColourspace('cmyk')
    .toColourspace('cmyk')
    .raw()
    .toBuffer({ resolveWithObject: true })
  const pixels = info.width * info.height
  const rgb = new Uint8Array(pixels * 3)
  for (let i = 0; i < pixels; i++) {
    const white = 255 - (data[4 * i + 3] as number)
    for (let c = 0; c < 3; c++) rgb[3 * i + c] = Math.round(((255 - (data[4 * i + c] as number)) * white) / 255)
  }
  return { width: info.width, height: info.height, data: rgb }
}

/** One or two channels become three; a fourth is dropped. */
function spread(data: Uint8Array, channels: number): Uint8Array {
  if (channels === 3) return data
  const pixels = data.length / channels
  const rgb = new Uint8Array(pixels * 3)
  for (let i = 0; i < pixels; i++)
    for (let c = 0; c < 3; c++) rgb[3 * i + c] = data[i * channels + (channels < 3 ? 0 : c)] as number
  return rgb
}

function firstLine(error: unknown): string {
  return String((error as Error).message ?? error).split('\n')[0] as string
}
