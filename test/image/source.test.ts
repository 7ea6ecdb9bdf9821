import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import sharp from 'sharp'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { ImageSource } from '../../lib/base/types.js'
import { Clip } from '../../lib/clip/clip.js'
import { decodeImage } from '../../lib/image/decode.js'
import { addressOf, type FileEntry, nameOf, readAddress } from '../../lib/image/source.js'

const folder = mkdtempSync(join(tmpdir(), 'clipwright-source-'))
afterAll(() => rmSync(folder, { recursive: true }))
const path = join(folder, 'many.bin')
let picture: Buffer
let entry: FileEntry
beforeAll(async () => {
  picture = await sharp({ create: { width: 5, height: 3, channels: 3, background: 'red' } })
    .png()
    .toBuffer()
  writeFileSync(path, Buffer.concat([Buffer.from('head'), picture, Buffer.from(picture.toString('base64'))]))
  entry = { path, id: '0042', offset: 4, length: picture.length, encoding: 'raw' }
})

describe('an entry of a larger file', () => {
  it('is its bytes, whichever way they are written', async () => {
    const text: FileEntry = {
      ...entry,
      offset: 4 + picture.length,
      length: picture.toString('base64').length,
      encoding: 'base64',
    }
    for (const address of [entry, text]) {
      expect(await readAddress(address)).toEqual(picture)
      expect(await decodeImage(addressOf(address, 'x'))).toMatchObject({ width: 5, height: 3 })
    }
  })

  it('is called by its id and its file', async () => {
    expect(nameOf(entry)).toBe(`picture 0042 of ${path}`)
    await expect(decodeImage({ ...entry, length: 9 })).rejects.toMatchObject({
      code: 'ERR_IMAGE',
      message: expect.stringContaining(`picture 0042 of ${path}`),
    })
    await expect(decodeImage({ ...entry, path: `${path}.gone` })).rejects.toMatchObject({
      code: 'ERR_NOT_FOUND',
      message: expect.stringContaining(`picture 0042 of ${path}.gone`),
    })
  })

  it.each([
    ['length', { length: 3_000_000_000 }],
    ['offset', { offset: 10 ** 15, length: 1 }],
    ['length from its offset', { length: 1 << 20 }],
  ])('has no %s that its file has not: nothing is reserved for it', async (_, change) => {
    const before = process.memoryUsage().arrayBuffers
    await expect(readAddress({ ...entry, ...change })).rejects.toMatchObject({
      code: 'ERR_IO',
      message: expect.stringMatching(/^could not read picture 0042 of .*but the file has \d+/),
    })
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(1 << 24)
  })

  it.each([
    { offset: -1 },
    { length: 1.5 },
    { length: Number.POSITIVE_INFINITY },
    { length: 2 ** 60 },
    { encoding: 'gzip' },
    { path: 3 },
  ])('is refused at the door with %j', (change) => {
    expect(() => addressOf({ ...entry, ...change } as unknown as ImageSource, 'images[0]')).toThrow(
      expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT', message: expect.stringMatching(/^images\[0\]: /) }),
    )
  })
})

it.each(['/etc/hostname#base64/x@0+3000000000', '/etc/hostname#base64/x@0+4', 'x#base64/@+'])(
  'a string is a path and nothing else: %s',
  async (text) => {
    const clip = await Clip.create('ViT-tiny-test', { threads: 1 })
    try {
      await expect(clip.encodeImages([text])).rejects.toMatchObject({
        code: 'ERR_NOT_FOUND',
        message: expect.stringContaining(`expected a picture at ${text}, but there is no such file`),
      })
      const odd = join(folder, 'a.png#base64')
      writeFileSync(odd, picture)
      expect((await clip.encodeImages([odd])).shape[0]).toBe(1)
    } finally {
      await clip.dispose()
    }
  },
)
