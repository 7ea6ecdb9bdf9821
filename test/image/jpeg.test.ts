/** JPEG files, which the core decodes: every form of them, turned as they ask for, shrunk where that is enough. */
import sharp from 'sharp'
import { describe, expect, it } from 'vitest'
import { decodeImage } from '../../lib/image/decode.js'
import { jpegHeader } from '../../lib/image/decoders/jpeg.js'
import { loadPixels } from '../../lib/image/preprocess.js'
import { resizePicture } from '../../lib/image/resize.js'

const [width, height] = [203, 151]
const pixels = Uint8Array.from({ length: width * height * 3 }, (_, i) => {
  const [x, y, c] = [Math.floor(i / 3) % width, Math.floor(i / 3 / width), i % 3]
  return 128 + 70 * Math.sin((x * (c + 1)) / 9) + 50 * Math.cos((y * (3 - c)) / 13)
})
const picture = () => sharp(pixels, { raw: { width, height, channels: 3 } })
const off = (a: Uint8Array, b: Uint8Array) => {
  expect(a.length).toBe(b.length)
  const each = a.map((x, i) => Math.abs(x - b[i]!))
  return { worst: each.reduce((most, x) => Math.max(most, x), 0), mean: each.reduce((sum, x) => sum + x, 0) / a.length }
}

const forms = {
  'colours at half the size': () => picture().jpeg({ quality: 92 }),
  'colours at full size': () => picture().jpeg({ chromaSubsampling: '4:4:4' }),
  progressive: () => picture().jpeg({ progressive: true }),
  grey: () => picture().toColourspace('b-w').jpeg(),
  'other tables': () => picture().jpeg({ mozjpeg: true }),
}

describe('JPEG', () => {
  it.each(Object.entries(forms))('%s: as libvips decodes it, but for how it makes colours smooth', async (_, make) => {
    const file = await make().toBuffer()
    expect(jpegHeader(file)).toEqual({ width, height, orientation: 1 })
    const { data } = await decodeImage(file)
    expect(off(data, await sharp(file).toColourspace('srgb').raw().toBuffer()).worst).toBeLessThanOrEqual(3)
  })

  it.each([1, 2, 3, 4, 5, 6, 7, 8])(
    'orientation %i is honoured, or left alone when it is not asked for',
    async (orientation) => {
      const file = await picture().jpeg().withMetadata({ orientation }).toBuffer()
      const plain = await decodeImage(file, { orient: false })
      expect([plain.width, plain.height]).toEqual([width, height])
      const raw = { raw: { width, height, channels: 3 as const } }
      const tagged = await sharp(plain.data, raw).png().withMetadata({ orientation }).toBuffer()
      const turned = await sharp(tagged).autoOrient().raw().toBuffer({ resolveWithObject: true })
      const found = await decodeImage(file)
      expect([found.width, found.height]).toEqual([turned.info.width, turned.info.height])
      expect(Buffer.compare(found.data, turned.data)).toBe(0)
    },
  )

  it('leaves CMYK and what cannot be followed to others', async () => {
    const cmyk = await picture().toColourspace('cmyk').jpeg().toBuffer()
    expect(jpegHeader(cmyk)).toBeUndefined()
    expect((await decodeImage(cmyk)).data).toHaveLength(pixels.length)
    const file = await picture().jpeg().toBuffer()
    for (let length = 2; length < file.length; length += 7) {
      const cut = file.subarray(0, length)
      await expect(decodeImage(cut), `${length} bytes`).rejects.toMatchObject({ code: 'ERR_IMAGE' })
    }
  })

  it('refuses a file whose header says another size than its data, and one of endless scans', async () => {
    const file = await picture().jpeg({ progressive: true }).toBuffer()
    const { orientation } = jpegHeader(file)!
    const wrong = { jpeg: file, orientation, width: width + 1, height, channels: 3, indexed: false } as const
    const to = { box: [0, 0, width + 1, height] as [number, number, number, number], outWidth: 8, outHeight: 8 }
    const manner = { interpolation: 'bicubic', convert: 'after' } as const
    await expect(resizePicture(wrong, manner, to)).rejects.toThrow('its size is not what its header says')
    const scan = file.lastIndexOf(Buffer.from([0xff, 0xda]))
    const last = file.subarray(scan, file.length - 2)
    const bomb = Buffer.concat([file.subarray(0, scan), ...Array.from({ length: 600 }, () => last), file.subarray(-2)])
    await expect(decodeImage(bomb)).rejects.toMatchObject({
      code: 'ERR_IMAGE',
      message: expect.stringContaining('more scans'),
    })
  })

  it('is shrunk by its own transform where that leaves enough, when asked to', async () => {
    const large = await picture().resize(1200, 900).jpeg({ quality: 95 }).toBuffer()
    const of = async (size: number, decode: 'exact' | 'fast', mode: 'crop' | 'squash' = 'crop') =>
      (await loadPixels([large], { size, mode, decode })).data
    for (const mode of ['crop', 'squash'] as const)
      for (const size of [64, 224, 450]) {
        const { worst, mean } = off(await of(size, 'exact', mode), await of(size, 'fast', mode))
        expect(worst, `${size}`).toBeGreaterThan(0)
        expect(mean, `${size}`).toBeLessThan(1)
      }
    // Half the size would not be enough.
    expect(off(await of(451, 'exact'), await of(451, 'fast')).worst).toBe(0)
  })
})
