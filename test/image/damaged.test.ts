/** A decoder's error never becomes a picture: right pixels, or ERR_IMAGE that names the file. */
import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { fileURLToPath } from 'node:url'
import sharp from 'sharp'
import { describe, expect, it } from 'vitest'
import { Budget, pictureBudget } from '../../lib/image/budget.js'
import { decodeImage } from '../../lib/image/decode.js'
import { decodeSvg } from '../../lib/image/decoders/svg.js'
import { preprocessImage } from '../../lib/image/preprocess.js'

const [width, height] = [96, 64]
// Noise without a single zero: what is black was never decoded.
const noise = Uint8Array.from({ length: width * height * 3 }, (_, i) => 1 + ((i * 7919 + (i >> 3) * 104729) % 255))
const picture = () => sharp(noise, { raw: { width, height, channels: 3 } })
const blackShare = (data: Uint8Array) => data.filter((x) => x === 0).length / data.length

const writers = {
  'plain tiff': () => picture().tiff({ compression: 'none' }),
  'lzw tiff': () => picture().tiff({ compression: 'lzw' }),
  'deflate tiff': () => picture().tiff({ compression: 'deflate' }),
  'jpeg tiff': () => picture().tiff({ compression: 'jpeg', quality: 90 }),
  'packbits tiff': () => picture().tiff({ compression: 'packbits' }),
  'tiled tiff': () => picture().tiff({ compression: 'deflate', tile: true, tileWidth: 32, tileHeight: 32 }),
  jpeg: () => picture().jpeg(),
  'progressive jpeg': () => picture().jpeg({ progressive: true }),
  png: () => picture().png(),
  webp: () => picture().webp({ lossless: true }),
  gif: () => picture().gif(),
  avif: () => picture().avif({ quality: 90, effort: 0 }),
}

describe('damaged pictures', () => {
  it.each(Object.entries(writers))('%s: cut short is refused, at every length', async (name, write) => {
    const whole = await write().toBuffer()
    expect(blackShare((await decodeImage(whole)).data)).toBeLessThan(0.02)
    for (const share of [0.3, 0.5, 0.7, 0.9]) {
      const file = join(mkdtempSync(join(tmpdir(), 'clipwright-damaged-')), 'cut.bin')
      writeFileSync(file, whole.subarray(0, Math.floor(whole.length * share)))
      await expect(decodeImage(file), `${name} cut to ${share}`).rejects.toMatchObject({
        name: 'ClipwrightError',
        code: 'ERR_IMAGE',
        message: expect.stringContaining(file),
      })
    }
  })

  it.each(Object.entries(writers))('%s: broken inside is refused, or its rows are there', async (name, write) => {
    const whole = await write().toBuffer()
    for (const place of [0.35, 0.5, 0.65, 0.8]) {
      const broken = Buffer.from(whole)
      const from = Math.floor(whole.length * place)
      for (let i = from; i < Math.min(from + 64, broken.length); i++) broken[i] = broken[i]! ^ 0xa5
      const result = await decodeImage(broken).catch((error) => error)
      if (result instanceof Error) expect(result).toMatchObject({ code: 'ERR_IMAGE' })
      else expect(blackShare(result.data), `${name} broken at ${place}`).toBeLessThan(0.25)
    }
  })

  it('refuses an intact TIFF whose compression is not built in', async () => {
    for (const name of ['lzma.tif', 'zstd.tif']) {
      const file = fileURLToPath(new URL(`unread/${name}`, import.meta.url))
      await expect(decodeImage(file)).rejects.toMatchObject({
        code: 'ERR_IMAGE',
        message: expect.stringMatching(/compression support is not configured/i),
      })
    }
  })

  it.each([
    ['picture.jp2', 'JPEG 2000'],
    ['picture.ico', 'ICO'],
    ['picture.tga', 'Targa'],
    ['picture.ppm', 'PNM'],
  ])('names %s as %s, and what is read', async (name, what) => {
    const file = fileURLToPath(new URL(`unread/${name}`, import.meta.url))
    await expect(decodeImage(file)).rejects.toMatchObject({
      code: 'ERR_IMAGE',
      message: expect.stringMatching(
        new RegExp(`${name} is .*${what}.*read are JPEG, PNG, WebP, GIF, TIFF, AVIF and BMP`),
      ),
    })
  })

  it('tells HEIC from AVIF, which begins alike', async () => {
    const header = (brand: string) => Buffer.from(`\0\0\0\x18ftyp${brand}\0\0\0\0mif1${brand}`)
    await expect(decodeImage(header('heic'))).rejects.toThrow(/is a HEIC picture, .*; read are JPEG/)
    await expect(decodeImage(header('avif'))).rejects.toThrow(/^could not decode/)
  })

  it('holds against every cut of every picture that Pillow wrote', async () => {
    const folder = new URL('pillow/', import.meta.url)
    for (const name of readdirSync(folder).filter((file) => /\.(gif|bmp)$/.test(file))) {
      const whole = readFileSync(new URL(name, folder))
      const { data } = await decodeImage(whole)
      for (let length = 0; length < whole.length; length += 1 + Math.floor(whole.length / 60)) {
        const result = await decodeImage(whole.subarray(0, length)).catch((error) => error)
        if (result instanceof Error) expect(result).toMatchObject({ code: 'ERR_IMAGE' })
        else expect(Buffer.compare(result.data, data), `${name} cut to ${length}`).toBe(0)
      }
    }
  })
})

describe('drawings', () => {
  const drawing = (body: string, side = 8) =>
    Buffer.from(`<svg xmlns="http://www.w3.org/2000/svg" width="${side}" height="${side}">${body}</svg>`)
  const endless = drawing(
    '<filter id="f"><feTurbulence baseFrequency="0.9" numOctaves="9"/><feGaussianBlur stdDeviation="90"/></filter><rect width="8000" height="8000" filter="url(#f)"/>',
    8000,
  )

  it('are refused unless they are asked for', async () => {
    await expect(preprocessImage(endless, { size: 8 })).rejects.toMatchObject({
      code: 'ERR_IMAGE',
      message: expect.stringContaining('unless svg is true'),
    })
    const red = drawing('<rect width="8" height="8" fill="#f00"/>')
    expect([...(await preprocessImage(red, { size: 1, svg: true })).data]).toEqual([255, 0, 0])
    const clear = drawing('<rect width="4" height="8" fill="#f00"/>')
    const { data } = await preprocessImage(clear, { size: 8, svg: true, background: '#0f0' })
    expect([...data.subarray(21, 24)]).toEqual([0, 255, 0])
  })

  it('end after their time, whatever they do', async () => {
    const begin = performance.now()
    await expect(decodeSvg(endless, { alpha: false, seconds: 1 })).rejects.toThrow('longer than 1 seconds')
    expect(performance.now() - begin).toBeLessThan(6000)
  })
})

describe('memory for pictures', () => {
  it('goes to as many at a time as it is enough for, in order', async () => {
    const budget = new Budget(100)
    let [now, most] = [0, 0]
    const order: number[] = []
    const work = (i: number, bytes: number) =>
      budget.spend(bytes, `picture ${i}`, async () => {
        now += bytes
        most = Math.max(most, now)
        order.push(i)
        await new Promise((resolve) => setTimeout(resolve, 5))
        now -= bytes
        if (i === 2) throw new Error('broken')
      })
    const results = await Promise.allSettled([work(0, 60), work(1, 60), work(2, 30), work(3, 100), work(4, 10)])
    expect(results.map(({ status }) => status === 'fulfilled')).toEqual([true, true, false, true, true])
    expect(order).toEqual([0, 1, 2, 3, 4])
    expect(most).toBe(100)
  })

  it('is refused to one that needs more than all, with figures', async () => {
    await expect(new Budget(2 ** 20).spend(2 ** 22, 'a.png', async () => 1)).rejects.toMatchObject({
      code: 'ERR_IMAGE',
      message: 'a.png would take 4 MiB to decode, and pictures may take 1 MiB on this machine; make it smaller.',
    })
    expect(pictureBudget(2 ** 40)).toBe(2 ** 31)
    expect(pictureBudget(2 ** 29)).toBe(2 ** 28)
  })
})
