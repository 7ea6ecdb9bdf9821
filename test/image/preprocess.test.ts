import { mkdtemp, readFile, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import sharp from 'sharp'
import { beforeAll, describe, expect, it } from 'vitest'
import { decodeImage } from '../../lib/image/decode.js'
import { loadPixels, preprocessImage } from '../../lib/image/preprocess.js'
import type { Pixels } from '../../lib/types.js'

const goldens = new URL('../goldens/preprocess/', import.meta.url)
type Output = { mode: 'crop' | 'letterbox'; size: number; file: string; mean: number; std: number }
type Case = { file: string; width: number; height: number; rgb?: string; outputs: Output[] }
const { cases, mean, std } = JSON.parse(await readFile(new URL('cases.json', goldens), 'utf8')) as {
  cases: Case[]
  mean: number[]
  std: number[]
}

const path = (file: string) => new URL(file, goldens)
const raw = async (file: string): Promise<Pixels> => {
  const { data, info } = await sharp(await readFile(path(file)))
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
      const jpeg = image.file.endsWith('.jpg')
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

  it('honours the EXIF orientation unless told not to', async () => {
    const [turned, plain] = await Promise.all([
      decodeImage(path('turned.jpg')),
      decodeImage(path('turned.jpg'), { orient: false }),
    ])
    expect([turned.width, turned.height]).toEqual([plain.height, plain.width])
  })

  it('refuses a size that cannot be', async () => {
    for (const size of [0, 1.5, Number.NaN])
      await expect(preprocessImage(path('small.png'), { size })).rejects.toMatchObject({ code: 'ERR_INVALID_ARGUMENT' })
  })
})

describe('decodeImage', () => {
  let folder: string
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'clipwright-decode-'))
  })
  const gradient = Buffer.from(Array.from({ length: 64 * 48 * 3 }, (_, i) => (i * 5) % 251))
  const picture = () => sharp(gradient, { raw: { width: 64, height: 48, channels: 3 } })

  it('takes paths, file URLs and bytes alike', async () => {
    const file = join(folder, 'a.png')
    const bytes = await picture().png().toBuffer()
    await writeFile(file, bytes)
    for (const source of [file, pathToFileURL(file), bytes])
      expect(worst((await decodeImage(source)).data, gradient)).toBe(0)
  })

  it('takes the first frame of an animation', async () => {
    const pages = Buffer.concat([gradient, Buffer.alloc(gradient.length, 9)])
    const gif = await sharp(pages, { raw: { width: 64, height: 96, channels: 3, pageHeight: 48 } })
      .gif()
      .toBuffer()
    const { width, height, data } = await decodeImage(gif)
    expect([width, height]).toEqual([64, 48])
    expect(data.some((x) => x > 100)).toBe(true)
  })

  it('ignores a colour profile', async () => {
    const plain = await decodeImage(await picture().png().toBuffer())
    const profiled = await decodeImage(await picture().withIccProfile('p3', { attach: true }).png().toBuffer())
    const bare = await sharp(await picture().withIccProfile('p3', { attach: true }).png().toBuffer(), {
      ignoreIcc: true,
    })
      .raw()
      .toBuffer()
    expect(worst(profiled.data, bare)).toBe(0)
    expect(plain.data.length).toBe(profiled.data.length)
  })

  it('names what is wrong with a file', async () => {
    const jpeg = await picture().jpeg().toBuffer()
    const bad: [string, Buffer][] = [
      ['empty.jpg', Buffer.alloc(0)],
      ['text.png', Buffer.from('this is no picture')],
      ['cut.jpg', jpeg.subarray(0, jpeg.length / 2)],
      ['cut.png', (await picture().png({ compressionLevel: 0 }).toBuffer()).subarray(0, 3000)],
    ]
    for (const [name, bytes] of bad) {
      const file = join(folder, name)
      await writeFile(file, bytes)
      await expect(decodeImage(file), name).rejects.toMatchObject({
        name: 'ClipwrightError',
        code: 'ERR_IMAGE',
        message: expect.stringContaining(name),
      })
    }
    await expect(decodeImage(join(folder, 'none.jpg'))).rejects.toMatchObject({ code: 'ERR_NOT_FOUND' })
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

  it('stops at an abort with its reason', async () => {
    const reason = new Error('enough')
    await expect(loadPixels([path('small.png')], { size: 4, signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
  })
})
