import { readFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import sharp from 'sharp'
import { describe, expect, it } from 'vitest'
import type { Pixels } from '../../lib/base/types.js'
import { loadPixels, preprocessImage } from '../../lib/image/preprocess.js'

const goldens = new URL('../goldens/preprocess/', import.meta.url)
type Output = { mode: 'crop' | 'letterbox'; size: number; file: string; mean: number; std: number }
type Case = { file: string; width: number; height: number; rgb?: string; outputs: Output[] }
const { cases, mean, std } = JSON.parse(await readFile(new URL('cases.json', goldens), 'utf8')) as {
  cases: Case[]
  mean: number[]
  std: number[]
}

const path = (file: string) => new URL(file, goldens)
const raw = async (file: string, folder = goldens): Promise<Pixels> => {
  const { data, info } = await sharp(await readFile(new URL(file, folder)))
    .raw()
    .toBuffer({ resolveWithObject: true })
  expect(info.channels).toBe(3)
  return { shape: [1, info.height, info.width, 3], data: new Uint8Array(data) }
}
const worst = (a: Uint8Array, b: Uint8Array) =>
  a.reduce((most, x, i) => Math.max(most, Math.abs(x - (b[i] as number))), 0)

describe('preprocessImage', () => {
  const each = cases.flatMap((c) => c.outputs.map((o) => ({ ...o, image: c })))

  it.each(each)(
    '$image.file $mode $size equals Pillow from decoded RGB, bit for bit',
    async ({ image, mode, size, file }) => {
      const result = await preprocessImage(await raw(image.rgb ?? image.file), { size, mode })
      expect(result.shape).toEqual([1, size, size, 3])
      expect(worst(result.data, (await raw(file)).data)).toBe(0)
    },
  )

  it.each(each)(
    '$image.file $mode $size from the file stays within the decoders',
    async ({ image, mode, size, file, ...golden }) => {
      const result = await preprocessImage(path(image.file), { size, mode, orient: false })
      const jpeg = image.file === 'cmyk.jpg'
      expect(worst(result.data, (await raw(file)).data)).toBeLessThanOrEqual(jpeg ? 3 : 0)
      const floats = Float64Array.from(
        result.data,
        (x, i) => (x / 255 - (mean[i % 3] as number)) / (std[i % 3] as number),
      )
      const average = floats.reduce((s, x) => s + x, 0) / floats.length
      const spread = Math.sqrt(floats.reduce((s, x) => s + (x - average) ** 2, 0) / floats.length)
      expect(Math.abs(average - golden.mean)).toBeLessThan(jpeg ? 5e-3 : 1e-3)
      expect(Math.abs(spread - golden.std)).toBeLessThan(jpeg ? 5e-3 : 1e-3)
    },
  )

  // squash/make_squash.py made these with torchvision.
  const squashed = ['large', 'small', 'expected/grey-png-rgb', 'line', 'expected/420-jpg-rgb']
  it.each(squashed.flatMap((file) => [32, 64].map((size) => ({ file, size }))))(
    '$file squash $size equals torchvision and Pillow, bit for bit',
    async ({ file, size }) => {
      const { shape, data } = await preprocessImage(await raw(`${file}.png`), { size, mode: 'squash' })
      expect(shape).toEqual([1, size, size, 3])
      const expected = await raw(`${file.split('/').at(-1)}-${size}.png`, new URL('squash/', import.meta.url))
      expect(worst(data, expected.data)).toBe(0)
    },
  )

  it('honours the EXIF orientation unless told not to', async () => {
    const bytes = await readFile(path('turned.jpg'))
    const upright = await sharp(bytes).autoOrient().raw().toBuffer({ resolveWithObject: true })
    const { width, height } = upright.info
    const expected = await preprocessImage(
      { shape: [1, height, width, 3], data: new Uint8Array(upright.data) },
      { size: 16 },
    )
    const turned = await preprocessImage(bytes, { size: 16 })
    expect(worst(turned.data, expected.data)).toBe(0)
    const plain = await preprocessImage(bytes, { size: 16, orient: false })
    expect(worst(plain.data, expected.data)).toBeGreaterThan(10)
  })

  it('copies bytes and pixels before it returns', async () => {
    const bytes = await readFile(path('large.png'))
    // So large that the resize is still at its beginning when the caller overwrites the pixels.
    const data = Uint8Array.from({ length: 2400 * 1800 * 3 }, (_, i) => (i >> 12) % 200)
    const pixels: Pixels = { shape: [1, 1800, 2400, 3], data }
    const expected = [await preprocessImage(bytes, { size: 32 }), await preprocessImage(pixels, { size: 32 })]
    const results = [preprocessImage(bytes, { size: 32 }), preprocessImage(pixels, { size: 32 })]
    bytes.fill(0)
    data.fill(255)
    expect(await Promise.all(results)).toEqual(expected)
  })

  it('refuses pixels whose memory has gone elsewhere', async () => {
    const pixels = await raw('small.png')
    structuredClone(pixels.data, { transfer: [pixels.data.buffer as ArrayBuffer] })
    await expect(preprocessImage(pixels, { size: 32 })).rejects.toMatchObject({
      code: 'ERR_INVALID_ARGUMENT',
      message: expect.stringContaining('detached'),
    })
  })

  it.each<[string, unknown, unknown, string]>([
    ['a size of 0', 'a.png', { size: 0 }, '"size"'],
    ['a broken size', 'a.png', { size: 1.5 }, '"size"'],
    ['NaN', 'a.png', { size: Number.NaN }, '"size"'],
    ['no options', 'a.png', undefined, '"size"'],
    ['an unknown mode', 'a.png', { size: 8, mode: 'stretch' }, '"mode"'],
    ['a misspelt option', 'a.png', { size: 8, orientt: false }, 'did you mean "orient"'],
    ['a number', 5, { size: 8 }, 'got 5'],
    ['a remote URL', new URL('https://example.com/a.png'), { size: 8 }, 'expected a file: URL'],
    ['shared bytes', new Uint8Array(new SharedArrayBuffer(8)), { size: 8 }, 'SharedArrayBuffer'],
    ['pixels of a wrong shape', { shape: [1, 2, 2, 4], data: new Uint8Array(16) }, { size: 8 }, 'got [1, 2, 2, 4]'],
    ['too few pixels', { shape: [1, 2, 2, 3], data: new Uint8Array(11) }, { size: 8 }, 'expected 12 values, got 11'],
    ['no pixels', { shape: [1, 0, 2, 3], data: new Uint8Array(0) }, { size: 8 }, 'at least one pixel'],
  ])('refuses %s', async (_, source, options, message) => {
    const run = preprocessImage(source as Pixels, options as { size: number })
    await expect(run).rejects.toMatchObject({
      name: 'ClipwrightError',
      code: 'ERR_INVALID_ARGUMENT',
      message: expect.stringContaining(message),
    })
  })

  it('refuses a picture too thin to resize, by name', async () => {
    const thin = { shape: [1, 1, 40_000, 3], data: new Uint8Array(120_000) } as Pixels
    await expect(preprocessImage(thin, { size: 512 })).rejects.toMatchObject({
      code: 'ERR_IMAGE',
      message: expect.stringContaining('40000 × 1'),
    })
  })
})

describe('loadPixels', () => {
  it('keeps the order of its sources', async () => {
    const colours = Array.from({ length: 20 }, (_, i) => i * 12)
    const sources = await Promise.all(
      colours.map((c) =>
        sharp({ create: { width: 9 + c, height: 9, channels: 3, background: { r: c, g: 0, b: 0 } } })
          .png()
          .toBuffer(),
      ),
    )
    const { shape, data } = await loadPixels(sources, { size: 4 })
    expect(shape).toEqual([20, 4, 4, 3])
    expect(colours.map((_, i) => data[i * 48])).toEqual(colours)
  })

  it('asks for no more pictures once one is bad', async () => {
    const small = fileURLToPath(path('small.png'))
    const asked = new Set<string | symbol>()
    const sources = new Proxy(['missing.png', ...Array<string>(400).fill(small)], {
      get(list, key) {
        asked.add(key)
        return Reflect.get(list, key)
      },
    })
    await expect(loadPixels(sources, { size: 4 })).rejects.toMatchObject({ code: 'ERR_NOT_FOUND' })
    await sleep(300)
    expect(asked.size).toBeLessThan(100)
  })

  it('stops at an abort with its reason', async () => {
    const reason = new Error('enough')
    await expect(
      loadPixels([fileURLToPath(path('small.png'))], { size: 4, signal: AbortSignal.abort(reason) }),
    ).rejects.toBe(reason)
  })
})
