/** Pictures to measure with. */
import { drawing } from './draw.js'

/** As large as those of Flickr30k and ImageNet are in the middle. */
export const SAMPLE_SIZE = { width: 500, height: 375 } as const

const COARSE = { width: 25, height: 19 } as const
const GRAIN = 12

/**
 * JPEGs of soft shapes with some grain, which are compressed about as photographs are; all different.
 * @returns their bytes
 */
export async function samplePictures(count: number): Promise<Buffer[]> {
  const { default: sharp } = await import('sharp')
  const draw = drawing()
  const { width, height } = SAMPLE_SIZE
  const raw = (size: { width: number; height: number }) => ({ raw: { ...size, channels: 3 as const } })
  const pictures: Buffer[] = []
  for (let i = 0; i < count; i++) {
    const shapes = Uint8Array.from({ length: COARSE.width * COARSE.height * 3 }, () => draw(256))
    const soft = await sharp(shapes, raw(COARSE)).resize(width, height, { fit: 'fill' }).raw().toBuffer()
    const pixels = Uint8ClampedArray.from(soft, (value) => value + draw(2 * GRAIN + 1) - GRAIN)
    pictures.push(await sharp(pixels, raw(SAMPLE_SIZE)).jpeg({ quality: 90 }).toBuffer())
  }
  return pictures
}
