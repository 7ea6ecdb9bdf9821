import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { Draws, Stream } from '../../lib/base/random.js'
import { augmentImage, type Crop, randomCrop } from '../../lib/image/augment.js'
import { type AugmentOptions, augmentOptions } from '../../lib/image/augment-options.js'
import { augmentSchema } from '../../lib/image/augment-schema.js'
import { drawImagenetChanges, IMAGENET_POLICY } from '../../lib/image/auto-augment.js'
import { drawJitterPaste } from '../../lib/image/jitter-paste.js'
import type { DecodedPicture } from '../../lib/image/picture.js'
import type { ResizeManner } from '../../lib/image/resize.js'
import { native } from '../../lib/native/addon.js'

const DEFAULT_AUGMENT = augmentOptions(true) as AugmentOptions

const draws = (index: number, epoch = 0, seed = 1) => new Draws(seed, Stream.augment, epoch, index)

const manner: ResizeManner = { interpolation: 'bicubic', convert: 'before' }

const rgb: DecodedPicture = {
  channels: 3,
  indexed: false,
  width: 61,
  height: 40,
  data: Uint8Array.from({ length: 61 * 40 * 3 }, (_, i) => (i * 31 + (i >> 5)) % 256),
}
/** The crop cut out and stretched to [size, size, 3]. */
function stretched({ width, data }: DecodedPicture, crop: Crop, size: number): Promise<Uint8Array> {
  const part = new Uint8Array(crop.width * crop.height * 3).map((_, i) => {
    const x = crop.left + (Math.floor(i / 3) % crop.width)
    const y = crop.top + Math.floor(i / 3 / crop.width)
    return data[(y * width + x) * 3 + (i % 3)] as number
  })
  const box: [number, number, number, number] = [0, 0, crop.width, crop.height]
  return native().resizePicture({ filter: 'bicubic', ...crop, data: part, box, outWidth: size, outHeight: size })
}

/** Left and right of [size, size, 3] exchanged. */
const mirrored = (data: Uint8Array, size: number) =>
  data.map((_, i) => {
    const x = Math.floor(i / 3) % size
    return data[i + 3 * (size - 1 - 2 * x)] as number
  })

describe('randomCrop', () => {
  it('stays inside the picture, within its limits of area and ratio', () => {
    const options = { ...DEFAULT_AUGMENT, scale: [0.3, 0.8] as [number, number] }
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

  it('draws ratios evenly on a logarithmic scale, and every place that there is', () => {
    const tall = Array.from({ length: 1000 }, (_, i) =>
      randomCrop(400, 400, { scale: [0.1, 0.1], ratio: [1 / 4, 4] }, draws(i)),
    ).filter(({ width, height }) => width < height)
    expect(tall.length / 1000).toBeCloseTo(0.5, 1)
    // A square of 8 in one of 10.
    const places = Array.from({ length: 200 }, (_, i) =>
      randomCrop(10, 10, { scale: [0.64, 0.64], ratio: [1, 1] }, draws(i)),
    )
    expect(new Set(places.map(({ left, top }) => `${left}, ${top}`)).size).toBe(9)
    expect(Math.max(...places.flatMap(({ left, top }) => [left, top]))).toBe(2)
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
      const result = await augmentImage(rgb, 12, manner, DEFAULT_AUGMENT, draws(i))
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
      augmentImage(rgb, 8, manner, options, draws(index, epoch, seed)).then((data) =>
        Buffer.from(data).toString('base64'),
      )
    const first = await run(5, 2, 9)
    expect(await run(5, 2, 9)).toBe(first)
    for (const other of [run(6, 2, 9), run(5, 3, 9), run(5, 2, 10)]) expect(await other).not.toBe(first)
  })

  it('never flips at 0 and always at 1', async () => {
    for (let i = 0; i < 20; i++) {
      const never = await augmentImage(rgb, 20, manner, { ...DEFAULT_AUGMENT, flip: 0 }, draws(i))
      const always = await augmentImage(rgb, 20, manner, { ...DEFAULT_AUGMENT, flip: 1 }, draws(i))
      expect(Buffer.compare(mirrored(always, 20), never)).toBe(0)
      expect(Buffer.compare(always, never)).not.toBe(0)
    }
  })
})

describe('augmentOptions', () => {
  it('crops as open_clip does, and with imagenet as torchvision does', () => {
    expect(DEFAULT_AUGMENT).toEqual({ policy: 'crop', scale: [0.9, 1], ratio: [3 / 4, 4 / 3], flip: 0.5 })
    expect(augmentOptions('imagenet')).toMatchObject({ policy: 'imagenet', scale: [0.08, 1] })
    expect(augmentOptions({ policy: 'imagenet', scale: [0.5, 1], flip: 0 })).toMatchObject({ scale: [0.5, 1], flip: 0 })
    expect(augmentOptions(false)).toBeUndefined()
  })

  it.each([
    [{ scale: [0.9, 0.5] }],
    [{ scale: [0.5, 1.1] }],
    [{ ratio: [2, 1] }],
    [{ policy: 'jitter-paste', scale: [0.5, 1] }],
    [{ policy: 'jitter-paste', ratio: [1, 1] }],
    [{ flip: 1.1 }],
  ])('has no place for %j', (given) => {
    expect(augmentSchema(z).safeParse(given).success).toBe(false)
  })
})

describe('the policy imagenet', () => {
  it('is the published table (https://arxiv.org/abs/1805.09501, table 9)', () => {
    const withoutMagnitude = ['autocontrast', 'equalize', 'invert']
    const pairs = IMAGENET_POLICY.map((pair) =>
      pair.map(([name, p, m]) => `${name} ${p}${withoutMagnitude.includes(name) ? '' : ` ${m}`}`).join(', '),
    )
    expect(pairs).toEqual([
      'posterize 0.4 8, rotate 0.6 9',
      'solarize 0.6 5, autocontrast 0.6',
      'equalize 0.8, equalize 0.6',
      'posterize 0.6 7, posterize 0.6 6',
      'equalize 0.4, solarize 0.2 4',
      'equalize 0.4, rotate 0.8 8',
      'solarize 0.6 3, equalize 0.6',
      'posterize 0.8 5, equalize 1',
      'rotate 0.2 3, solarize 0.6 8',
      'equalize 0.6, posterize 0.4 6',
      'rotate 0.8 8, color 0.4 0',
      'rotate 0.4 9, equalize 0.6',
      'equalize 0, equalize 0.8',
      'invert 0.6, equalize 1',
      'color 0.6 4, contrast 1 8',
      'rotate 0.8 8, color 1 2',
      'color 0.8 8, solarize 0.8 7',
      'sharpness 0.4 7, invert 0.6',
      'shear_x 0.6 5, equalize 1',
      'color 0.4 0, equalize 0.6',
      'equalize 0.4, solarize 0.2 4',
      'solarize 0.6 5, autocontrast 0.6',
      'invert 0.6, equalize 1',
      'color 0.6 4, contrast 1 8',
      'equalize 0.8, equalize 0.6',
    ])
  })

  it('draws every pair, and its changes as often as they should be', () => {
    const count = 100_000
    const drawn = Array.from({ length: count }, (_, i) => drawImagenetChanges(draws(i)))
    const made: Record<string, number> = {}
    for (const [change] of drawn.flat()) made[change] = (made[change] ?? 0) + 1
    const expected: Record<string, number> = {}
    for (const [change, p] of IMAGENET_POLICY.flat()) expected[change] = (expected[change] ?? 0) + p / 25
    expect(Object.keys(made).sort()).toEqual(Object.keys(expected).sort())
    // Two to three standard deviations; one pair more or less would be beyond it.
    for (const [change, share] of Object.entries(expected))
      expect(Math.abs(made[change]! / count - share), change).toBeLessThan(0.004)
  })

  it('takes magnitudes from the published ranges, in both directions where there are two', () => {
    const values = new Map<string, Set<number>>()
    for (const [change, value] of Array.from({ length: 5_000 }, (_, i) => drawImagenetChanges(draws(i))).flat())
      values.set(change, (values.get(change) ?? new Set()).add(Math.round(1000 * (value ?? 0)) / 1000))
    const of = (change: string) => [...values.get(change)!].sort((a, b) => a - b)
    expect(of('posterize')).toEqual([4, 5, 6])
    expect(of('solarize')).toEqual([28.444, 56.889, 113.778, 142.222, 170.667])
    expect(of('rotate')).toEqual([-30, -26.667, -10, 10, 26.667, 30])
    expect(of('color')).toEqual([0.2, 0.6, 0.8, 1, 1.2, 1.4, 1.8])
    expect(of('contrast')).toEqual([0.2, 1.8])
    expect(of('sharpness')).toEqual([0.3, 1.7])
    expect(of('shear_x')).toEqual([-0.167, 0.167])
    expect(of('equalize')).toEqual([0])
  })

  it('is the crop, then the changes that are drawn after it', async () => {
    const options = augmentOptions({ policy: 'imagenet', scale: [0.5, 1] }) as AugmentOptions
    let changed = 0
    for (let i = 0; i < 60; i++) {
      const both = await augmentImage(rgb, 24, manner, options, draws(i))
      const crop = await augmentImage(rgb, 24, manner, { ...options, policy: 'crop' }, draws(i))
      const after = draws(i)
      randomCrop(rgb.width, rgb.height, options, after)
      after.next()
      const adjustments = drawImagenetChanges(after)
      const expected = await native().adjustPicture({ data: crop.slice(), width: 24, height: 24, adjustments })
      expect(Buffer.compare(both, expected), `picture ${i}`).toBe(0)
      changed += Number(Buffer.compare(both, crop) !== 0)
    }
    expect(changed).toBeGreaterThan(30)
  })
})

describe('the policy jitter-paste', () => {
  const size = 32

  it('keeps to its ranges and uses all of them', () => {
    const drawn = Array.from({ length: 4000 }, (_, i) =>
      drawJitterPaste({ width: 400, height: 300 }, size, 0.5, draws(i)),
    )
    const rangeOf = (values: number[]) => [Math.min(...values), Math.max(...values)] as [number, number]
    const [shortest, longest] = rangeOf(drawn.map((d) => Math.max(d.width, d.height)))
    expect([shortest, longest]).toEqual([24, 47])
    const ratios = rangeOf(drawn.map((d) => d.width / d.height))
    // 4/3 · 0.7/1.3 and 4/3 · 1.3/0.7, and the rounding of sides.
    expect(ratios[0]).toBeGreaterThan(0.65)
    expect(ratios[0]).toBeLessThan(0.85)
    expect(ratios[1]).toBeGreaterThan(2.1)
    expect(ratios[1]).toBeLessThan(2.7)
    for (const { width, height, left, top } of drawn) {
      for (const [at, side] of [
        [left, width],
        [top, height],
      ] as const) {
        expect(at).toBeGreaterThanOrEqual(Math.min(0, size - side))
        expect(at).toBeLessThanOrEqual(Math.max(0, size - side))
      }
    }
    // Larger pictures than the square hang over on both sides.
    for (const places of [drawn.map((d) => d.left), drawn.map((d) => d.top)]) {
      expect(Math.min(...places)).toBeLessThan(-5)
      expect(Math.max(...places)).toBeGreaterThan(5)
    }
    const share = (count: number) => count / drawn.length
    expect(share(drawn.filter((d) => d.mirrored).length)).toBeCloseTo(0.5, 1)
    const turns = drawn.flatMap((d) => d.adjustments.filter(([name]) => name === 'rotate_bilinear').map(([, v]) => v!))
    expect(share(turns.length)).toBeCloseTo(0.5, 1)
    expect(rangeOf(turns).map(Math.round)).toEqual([-15, 15])
    const hsv = drawn.map((d) => d.adjustments.at(-1)!)
    for (const [i, low, high] of [
      [1, 0.9, 1.1],
      [2, 0.3, 1.7],
      [3, 0.7, 1.3],
    ] as const) {
      const [least, most] = rangeOf(hsv.map((values) => values[i] as number))
      expect(least).toBeCloseTo(low, 2)
      expect(most).toBeCloseTo(high, 2)
    }
  })

  it('jitters the ratio by up to 1.3 / 0.7', () => {
    const square = { width: 500, height: 500 }
    const ratios = Array.from({ length: 4000 }, (_, i) => drawJitterPaste(square, 2000, 0.5, draws(i))).map(
      ({ width, height }) => width / height,
    )
    expect(Math.min(...ratios)).toBeGreaterThan(0.7 / 1.3 - 0.001)
    expect(Math.min(...ratios)).toBeLessThan(0.58)
    expect(Math.max(...ratios)).toBeGreaterThan(1 / 0.58)
    expect(Math.max(...ratios)).toBeLessThan(1.3 / 0.7 + 0.002)
  })

  it('is the whole picture resized, pasted, mirrored with its square, then adjusted', async () => {
    const options = augmentOptions('jitter-paste') as AugmentOptions
    for (let i = 0; i < 60; i++) {
      const d = drawJitterPaste(rgb, size, options.flip, draws(i))
      const box: [number, number, number, number] = [0, 0, rgb.width, rgb.height]
      const whole = await native().resizePicture({
        filter: 'bicubic',
        ...rgb,
        box,
        outWidth: d.width,
        outHeight: d.height,
      })
      const square = Uint8Array.from({ length: size * size * 3 }, (_, at) => {
        const [x, y] = [(Math.floor(at / 3) % size) - d.left, Math.floor(at / 3 / size) - d.top]
        const inside = x >= 0 && x < d.width && y >= 0 && y < d.height
        return inside ? (whole[(y * d.width + x) * 3 + (at % 3)] as number) : 128
      })
      const data = d.mirrored ? mirrored(square, size) : square
      const { adjustments } = d
      const expected = await native().adjustPicture({ data, width: size, height: size, adjustments })
      expect(Buffer.compare(await augmentImage(rgb, size, manner, options, draws(i)), expected), `picture ${i}`).toBe(0)
    }
  })

  it('pastes the picture where it says, mirrored with its square, on grey', async () => {
    const data = new Uint8Array(40 * 20 * 3).fill(255)
    const white: DecodedPicture = { width: 40, height: 20, data, channels: 3, indexed: false }
    const options = augmentOptions('jitter-paste') as AugmentOptions
    let flat = 0
    for (let i = 0; i < 60; i++) {
      const d = drawJitterPaste(white, size, options.flip, draws(i))
      if (d.adjustments.length > 1) continue
      flat++
      const left = d.mirrored ? size - d.left - d.width : d.left
      const picture = await augmentImage(white, size, manner, options, draws(i))
      const value = Math.min(255, Math.trunc(255 * (d.adjustments[0]![3] as number)))
      const grey = Math.min(255, Math.trunc(128 * (d.adjustments[0]![3] as number)))
      const expected = Uint8Array.from({ length: size * size * 3 }, (_, at) => {
        const [x, y] = [Math.floor(at / 3) % size, Math.floor(at / 3 / size)]
        const inside = x >= left && x < left + d.width && y >= d.top && y < d.top + d.height
        return inside ? value : grey
      })
      expect(Buffer.compare(picture, expected), `picture ${i}`).toBe(0)
    }
    expect(flat).toBeGreaterThan(10)
  })

  it('takes pictures of one pixel, and lines', async () => {
    const options = augmentOptions('jitter-paste') as AugmentOptions
    for (const [width, height] of [
      [1, 1],
      [3000, 1],
      [1, 3000],
    ] as const) {
      for (let i = 0; i < 20; i++) {
        const data = new Uint8Array(width * height * 3).fill(9)
        const one: DecodedPicture = { width, height, data, channels: 3, indexed: false }
        expect((await augmentImage(one, size, manner, options, draws(i))).length).toBe(size * size * 3)
      }
    }
  })
})
