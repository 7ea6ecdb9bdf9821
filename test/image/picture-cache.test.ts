/** Decoded pictures that are kept: the same bits, found by what files hold, noticed when they change. */
import { copyFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import sharp from 'sharp'
import { beforeAll, describe, expect, it } from 'vitest'
import { decodeImage } from '../../lib/image/decode.js'
import type { DecodedPicture } from '../../lib/image/picture.js'
import { PictureCache } from '../../lib/image/picture-cache.js'
import { loadPixels, pictureFitter } from '../../lib/image/preprocess.js'
import type { StoredPicture } from '../../lib/image/source.js'
import { temporaryFolder } from '../train/pictures.js'

const folder = temporaryFolder()
const [a, b] = [join(folder, 'a.jpg'), join(folder, 'b.png')]
const picture = (seed: number) => {
  const data = Uint8Array.from({ length: 90 * 60 * 3 }, (_, i) => (i * seed + (i >> 5)) % 256)
  return sharp(data, { raw: { width: 90, height: 60, channels: 3 } })
}
const options = { size: 32, convert: 'after' } as const

beforeAll(async () => {
  await picture(7).jpeg().toFile(a)
  await picture(11).ensureAlpha(0.5).png().toFile(b)
})

function cacheIn(name: string) {
  const said: string[] = []
  const cache = new PictureCache(join(folder, name), { limit: 2 ** 30, say: (message) => said.push(message) })
  return { cache, said }
}

const plain = (decoded: DecodedPicture) => ({ ...decoded, data: Buffer.from(decoded.data) })

/** An address that counts how often its bytes are read. */
function counted(bytes: Buffer): StoredPicture & { reads: number } {
  return {
    path: 'store',
    id: 'x',
    reads: 0,
    async read() {
      this.reads++
      return bytes
    },
  }
}

describe('a cache of decoded pictures', () => {
  it('fitted ones are the bits that they would be without it, also in the next process', async () => {
    const expected = (await loadPixels([a, b], options)).data
    for (const time of ['first', 'second'] as const) {
      const { cache, said } = cacheIn('fitted')
      const fit = pictureFitter(options, cache)
      const into = new Uint8Array(2 * 32 * 32 * 3)
      for (const half of [a, b].map((path, i) => [path, into.subarray(i * 3072, (i + 1) * 3072)] as const))
        expect(await fit(...half), time).toBe(half[1])
      expect(Buffer.compare(into, expected)).toBe(0)
      await cache.close()
      expect(said).toEqual([])
    }
    expect(readdirSync(join(folder, 'fitted'))).toHaveLength(1) // the second had nothing to add
  })

  it('whole ones too, with alpha where it is asked for', async () => {
    for (const how of [{ alpha: true }, { alpha: false }, { background: [1, 2, 3] as const }])
      for (const path of [a, b]) {
        const { cache } = cacheIn('whole')
        for (let i = 0; i < 2; i++)
          expect(plain(await cache.whole(path, how))).toEqual(plain(await decodeImage(path, how)))
        await cache.close()
      }
  })

  it('finds a picture by what its file holds, and does not take it for another that lies there later', async () => {
    const { cache } = cacheIn('content')
    const moved = join(folder, 'moved.jpg')
    const first = await cache.whole(a, {})
    copyFileSync(a, moved)
    expect((await cache.whole(moved, {})).data).toEqual(first.data)
    await picture(13).jpeg().toFile(moved)
    expect((await cache.whole(moved, {})).data).not.toEqual(first.data)
    expect((await cache.whole(moved, {})).data).toEqual((await decodeImage(moved)).data)
    const [one, two] = await Promise.all([5, 6].map((seed) => picture(seed).png({ compressionLevel: 0 }).toBuffer()))
    expect(one!.length).toBe(two!.length)
    for (const bytes of [one!, two!]) {
      writeFileSync(moved, bytes)
      expect(plain(await cache.whole(moved, {}))).toEqual(plain(await decodeImage(bytes)))
    }
    rmSync(moved)
    await expect(cache.whole(moved, {})).rejects.toMatchObject({ code: 'ERR_NOT_FOUND' })
    await cache.close()
  })

  it('asks a store for the bytes, which tell whether they are known', async () => {
    const { cache } = cacheIn('store')
    const stored = counted(await picture(17).jpeg().toBuffer())
    const fit = pictureFitter(options, cache)
    const [one, two] = [await fit(stored), await fit(stored)]
    expect(one).toEqual(two)
    expect(stored.reads).toBe(2)
    await cache.close()
    const { cache: again } = cacheIn('store')
    expect(await pictureFitter({ ...options, interpolation: 'bilinear' }, again)(stored)).not.toEqual(one)
    expect(await pictureFitter(options, again)(stored)).toEqual(one)
    await again.close()
  })

  it('keeps nothing of what cannot be decoded, and names it', async () => {
    const { cache } = cacheIn('bad')
    const bad = join(folder, 'bad.jpg')
    writeFileSync(bad, (await picture(3).jpeg().toBuffer()).subarray(0, 900))
    for (let i = 0; i < 2; i++)
      await expect(pictureFitter(options, cache)(bad)).rejects.toMatchObject({
        code: 'ERR_IMAGE',
        message: expect.stringContaining(bad),
      })
    await cache.close()
    expect(readdirSync(join(folder, 'bad'))).toEqual([])
  })
})
