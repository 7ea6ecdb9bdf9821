/** Pictures to RGB bytes, as Pillow's `Image.open(path).convert('RGB')` would give them. */
import type { OutputInfo, Sharp } from 'sharp'
import { ClipwrightError } from '../base/errors.js'
import { withPatience } from '../files/shortage.js'
import { type KeptSource, nameOf, readSource } from './source.js'

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

/**
 * Decodes the first frame. Alpha is dropped, colour profiles are ignored, CMYK turns by the plain formula, 16 bits keep
 * their high byte. The EXIF orientation is honoured unless orient is false, which equals the Python tools.
 * @throws ClipwrightError ERR_NOT_FOUND when the file is missing, ERR_IO when it cannot be read, ERR_IMAGE when it is no
 * picture, cut short, empty, or larger than sharp's limit of 2^28 pixels or so, ERR_OUT_OF_MEMORY
 */
export async function decodeImage(source: KeptSource, { orient = true }: { orient?: boolean } = {}): Promise<Rgb> {
  const name = nameOf(source)
  const bytes = await readSource(source)
  if (bytes.length === 0) throw new ClipwrightError('ERR_IMAGE', `expected a picture in ${name}, but it has 0 bytes`)
  const sharp = await loadSharp()
  try {
    // Pillow refuses cut files and no others; ignoreIcc, because libvips would apply an embedded colour profile.
    return await withPatience(`decoding ${name}`, async () => {
      const image = sharp(bytes, { failOn: 'truncated', ignoreIcc: true, autoOrient: orient })
      const { space } = await image.metadata()
      return space === 'cmyk' ? cmykToRgb(image) : toRgb(image)
    })
  } catch (cause) {
    if (cause instanceof ClipwrightError) throw cause
    throw new ClipwrightError('ERR_IMAGE', `could not decode ${name}: ${firstLine(cause)}`, { cause })
  }
}

async function toRgb(image: Sharp): Promise<Rgb> {
  const { data, info } = await image.toColourspace('srgb').removeAlpha().raw().toBuffer({ resolveWithObject: true })
  requireChannels(info, 3)
  return { width: info.width, height: info.height, data }
}

/** R = (255-C)(255-K)/255 and so on, rounded; JPEG stores Adobe's inverted values, which sharp has turned already. */
async function cmykToRgb(image: Sharp): Promise<Rgb> {
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
  return { width: info.width, height: info.height, data: rgb }
}

function requireChannels({ channels }: OutputInfo, expected: number): void {
  if (channels !== expected) throw new Error(`expected ${expected} channels, got ${channels}`)
}

function firstLine(error: unknown): string {
  return String((error as Error).message ?? error).split('\n')[0] as string
}
