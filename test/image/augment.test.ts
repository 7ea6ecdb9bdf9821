import { describe, expect, it } from 'vitest'
import { augmentImage, type Crop, DEFAULT_AUGMENT, randomCrop } from '../../lib/image/augment.js'
import type { Rgb } from '../../lib/image/decode.js'
import { native } from '../../lib/native.js'
import { Draws, Stream } from '../../lib/random.js'

const draws = (index: number, epoch = 0, seed = 1) => new Draws(seed, Stream.augment, epoch, index)

const rgb: Rgb = {
  width: 61,
  height: 40,
  data: Uint8Array.from({ length: 61 * 40 * 3 }, (_, i) => (i * 31 + (i >> 5)) % 256),
}
/** The crop cut out and stretched to [size, size, 3]. */
function stretched({ width, data }: Rgb, crop: Crop, size: number): Promise<Uint8Array> {
  const part = new Uint8Array(crop.width * crop.height * 3).map((_, i) => {
    const x = crop.left + (Math.floor(i / 3) % crop.width)
    const y = crop.top + Math.floor(i / 3 / crop.width)
    return data[(y * width + x) * 3 + (i % 3)] as number
  })
  const box: [number, number, number, number] = [0, 0, crop.width, crop.height]
  return native().resizeBicubic({ ...crop, data: part, box, outWidth: size, outHeight: size })
}

/** Left and right of [size, size, 3] exchanged. */
const mirrored = (data: Uint8Array, size: number) =>
  data.map((_, i) => {
    const x = Math.floor(i / 3) % size
    return data[i + 3 * (size - 1 - 2 * x)] as number
  })

describe('randomCrop', () => {
  it('stays inside the picture, within its limits of area and ratio', () => {
    const options = { scale: [0.3, 0.8], ratio: [0.75, 4 / 3], flip: 0 } as typeof DEFAULT_AUGMENT
    const areas: number[] = []
    for (let i = 0; i < 500; i++) {
      const { left, top, width, height } = randomCrop(400, 300, options, draws(i))
      expect(left).toBeGreaterThanOrEqual(0)
      expect(top).toBeGreaterThanOrEqual(0)
      expect(left + width).toBeLessThanOrEqual(400)
      expect(top + height).toBeLessThanOrEqual(300)
      expect(width / height).toBeGreaterThan(0.74)
      expect(width / height).toBeLessThan(1.35)
      areas.push((width * height) / (400 * 300))
    }
    // All of the range is used, not only its ends.
    expect(Math.min(...areas)).toBeGreaterThan(0.29)
    expect(Math.max(...areas)).toBeLessThan(0.81)
    expect(Math.min(...areas)).toBeLessThan(0.35)
    expect(Math.max(...areas)).toBeGreaterThan(0.7)
  })

  it.each([
    ['wide', 1000, 30, { left: 480, top: 0, width: 40, height: 30 }],
    ['tall', 30, 1000, { left: 0, top: 480, width: 30, height: 40 }],
  ] as const)('falls back to the largest central crop of a picture too %s', (_, width, height, expected) => {
    expect(randomCrop(width, height, DEFAULT_AUGMENT, draws(3))).toEqual(expected)
  })

  it('takes the whole of a single pixel', () => {
    expect(randomCrop(1, 1, DEFAULT_AUGMENT, draws(0))).toEqual({ left: 0, top: 0, width: 1, height: 1 })
  })
})

describe('augmentImage', () => {
  it('is the crop, cut out and stretched, and its mirror image half of the time', async () => {
    const count = 200
    let flipped = 0
    for (let i = 0; i < count; i++) {
      const result = await augmentImage(rgb, 12, DEFAULT_AUGMENT, draws(i))
      const plain = await stretched(rgb, randomCrop(rgb.width, rgb.height, DEFAULT_AUGMENT, draws(i)), 12)
      const turned = Buffer.compare(result, plain) !== 0
      if (turned) expect(Buffer.compare(result, mirrored(plain, 12))).toBe(0)
      flipped += Number(turned)
    }
    expect(flipped).toBeGreaterThan(0.35 * count)
    expect(flipped).toBeLessThan(0.65 * count)
  })

  it('is a function of seed, epoch and sample alone', async () => {
    const options = { ...DEFAULT_AUGMENT, scale: [0.2, 0.9] as [number, number] }
    const run = (index: number, epoch: number, seed: number) =>
      augmentImage(rgb, 8, options, draws(index, epoch, seed)).then((data) => Buffer.from(data).toString('base64'))
    const first = await run(5, 2, 9)
    expect(await run(5, 2, 9)).toBe(first)
    for (const other of [run(6, 2, 9), run(5, 3, 9), run(5, 2, 10)]) expect(await other).not.toBe(first)
  })

  it('never flips at 0 and always at 1', async () => {
    for (let i = 0; i < 20; i++) {
      const never = await augmentImage(rgb, 20, { ...DEFAULT_AUGMENT, flip: 0 }, draws(i))
      const always = await augmentImage(rgb, 20, { ...DEFAULT_AUGMENT, flip: 1 }, draws(i))
      expect(Buffer.compare(mirrored(always, 20), never)).toBe(0)
      expect(Buffer.compare(always, never)).not.toBe(0)
    }
  })
})
