import { execFileSync } from 'node:child_process'
import { mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import sharp from 'sharp'
import { beforeAll, describe, expect, it } from 'vitest'
import { decodeImage } from '../../lib/image/decode.js'

const worst = (a: Uint8Array, b: Uint8Array) =>
  a.reduce((most, x, i) => Math.max(most, Math.abs(x - (b[i] as number))), a.length === b.length ? 0 : 256)

/** An uncompressed TIFF of one strip, because sharp takes raw CMYK for RGBA. */
function cmykTiff(ink: Buffer, width: number, height: number): Buffer {
  const SHORT = 3
  const LONG = 4
  const tags = [
    [256, LONG, 1, width],
    [257, LONG, 1, height],
    [258, SHORT, 4, 8], // bits a sample: four values, at offset 8
    [259, SHORT, 1, 1], // not compressed
    [262, SHORT, 1, 5], // separated: CMYK
    [273, LONG, 1, 16], // where the strip begins
    [277, SHORT, 1, 4], // samples a pixel
    [278, LONG, 1, height],
    [279, LONG, 1, ink.length],
  ] as const
  const directory = Buffer.alloc(2 + tags.length * 12 + 4)
  directory.writeUInt16LE(tags.length, 0)
  for (const [i, [tag, type, count, value]] of tags.entries()) {
    const at = 2 + i * 12
    directory.writeUInt16LE(tag, at)
    directory.writeUInt16LE(type, at + 2)
    directory.writeUInt32LE(count, at + 4)
    directory.writeUInt32LE(value, at + 8)
  }
  const header = Buffer.alloc(16)
  header.write('II*\0', 'latin1')
  header.writeUInt32LE(header.length + ink.length, 4)
  for (let i = 0; i < 4; i++) header.writeUInt16LE(8, 8 + 2 * i)
  return Buffer.concat([header, ink, directory])
}

describe('decodeImage', () => {
  let folder: string
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'clipwright-decode-'))
  })
  const gradient = Buffer.from(Array.from({ length: 64 * 48 * 3 }, (_, i) => (i * 5) % 251))
  const picture = () => sharp(gradient, { raw: { width: 64, height: 48, channels: 3 } })

  it('takes paths and bytes alike', async () => {
    const file = join(folder, 'a.png')
    const bytes = await picture().png().toBuffer()
    await writeFile(file, bytes)
    for (const source of [file, bytes]) expect(worst((await decodeImage(source)).data, gradient)).toBe(0)
  })

  it.each([1, 2, 3, 4] as const)('keeps the high byte of 16 bits, and no alpha: %i channels', async (channels) => {
    const wide = Uint16Array.from({ length: 16 * 16 * channels }, (_, i) => (i * 7919) & 0xffff)
    const png = await sharp(wide, { raw: { width: 16, height: 16, channels } })
      .toColourspace(channels < 3 ? 'grey16' : 'rgb16')
      .png()
      .toBuffer()
    expect((await sharp(png).metadata()).depth).toBe('ushort')
    const expected = Uint8Array.from({ length: 16 * 16 * 3 }, (_, i) => {
      const pixel = Math.floor(i / 3) * channels
      return (wide[pixel + (channels < 3 ? 0 : i % 3)] as number) >> 8
    })
    expect(worst((await decodeImage(png)).data, expected)).toBe(0)
  })

  it('drops alpha and keeps the colour below it', async () => {
    const rgba = Buffer.from(Array.from({ length: 8 * 8 * 4 }, (_, i) => (i % 4 === 3 ? i % 256 : (i * 3) % 256)))
    const png = await sharp(rgba, { raw: { width: 8, height: 8, channels: 4 } })
      .png()
      .toBuffer()
    expect(worst((await decodeImage(png)).data, Uint8Array.from(rgba.filter((_, i) => i % 4 !== 3)))).toBe(0)
  })

  it('turns CMYK by the plain formula', async () => {
    const ink = Buffer.from(Array.from({ length: 8 * 8 * 4 }, (_, i) => (i * 29) % 256))
    const tiff = cmykTiff(ink, 8, 8)
    expect((await sharp(tiff).metadata()).space).toBe('cmyk')
    const expected = Uint8Array.from({ length: 8 * 8 * 3 }, (_, i) => {
      const pixel = Math.floor(i / 3) * 4
      return Math.round(((255 - (ink[pixel + (i % 3)] as number)) * (255 - (ink[pixel + 3] as number))) / 255)
    })
    expect(worst((await decodeImage(tiff)).data, expected)).toBe(0)
  })

  it.each(['gif', 'webp'] as const)('takes the first frame of an animated %s', async (format) => {
    const frames = Buffer.concat([Buffer.alloc(gradient.length, 200), Buffer.alloc(gradient.length, 9)])
    const bytes = await sharp(frames, { raw: { width: 64, height: 96, channels: 3, pageHeight: 48 } })
      .toFormat(format)
      .toBuffer()
    expect((await sharp(bytes).metadata()).pages).toBe(2)
    const { width, height, data } = await decodeImage(bytes)
    expect([width, height]).toEqual([64, 48])
    expect(worst(data, new Uint8Array(gradient.length).fill(200))).toBeLessThanOrEqual(3)
  })

  it('ignores a colour profile', async () => {
    const png = await picture().withIccProfile('p3', { attach: true }).png().toBuffer()
    expect((await sharp(png).metadata()).icc).toBeDefined()
    const { data } = await decodeImage(png)
    const [stored, converted] = await Promise.all([
      sharp(png, { ignoreIcc: true }).raw().toBuffer(),
      sharp(png).raw().toBuffer(),
    ])
    expect(worst(data, stored)).toBe(0)
    expect(worst(data, converted)).toBeGreaterThan(3)
  })

  it('names what is wrong with a file', async () => {
    const jpeg = await picture().jpeg().toBuffer()
    const bad: [string, Buffer][] = [
      ['empty.jpg', Buffer.alloc(0)],
      ['text.png', Buffer.from('this is no picture')],
      ['cut.jpg', jpeg.subarray(0, jpeg.length / 2)],
      ['huge.svg', Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="30000" height="30000"/>')],
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
    await expect(decodeImage(folder)).rejects.toMatchObject({ code: 'ERR_IO' })
    const pipe = join(folder, 'pipe.jpg')
    execFileSync('mkfifo', [pipe])
    await expect(decodeImage(pipe)).rejects.toMatchObject({
      code: 'ERR_IO',
      message: `could not read ${pipe}: it is a pipe, not a file.`,
    })
  })
})
