import { readFile } from 'node:fs/promises'
import { crc32 } from 'node:zlib'
import { expect, it } from 'vitest'
import { preprocessImage } from '../../lib/image/preprocess.js'
import { fuzz, fuzzTimeout, pick, type Random } from '../fuzz/fuzz.js'
import { mutateBytes } from '../fuzz/mutations.js'

const NAMES = ['small.png', 'palette.png', 'grey16.png', 'grey-alpha.png', 'alpha.png', 'line.png'].concat(
  ...['444.jpg', '420.jpg', 'turned.jpg', 'cmyk.jpg'],
)

const PNG_SIGNATURE = 8

/** Checksums made right again, so that decoders look at what was damaged. */
function repairPng(png: Buffer): Buffer {
  for (let at = PNG_SIGNATURE; at + 12 <= png.length; ) {
    const end = at + 8 + png.readUInt32BE(at)
    if (end + 4 > png.length) break
    png.writeUInt32BE(crc32(png.subarray(at + 4, end)), end)
    at = end + 4
  }
  return png
}

/** Sizes, depths and lengths are big-endian numbers in the first bytes of both formats. */
function damage(original: Buffer, random: Random): Buffer {
  const bytes = mutateBytes(original, random, [0, Math.min(original.length, 200)])
  if (bytes.length > 40 && random.below(4) === 0) {
    bytes.writeUInt16BE(pick(random, [0, 1, 2, 0x100, 0x3fff, 0x7fff, 0xffff]), random.below(38))
  }
  return random.below(2) && bytes.length > PNG_SIGNATURE ? repairPng(bytes) : bytes
}

it(
  'a damaged PNG or JPEG gives pixels or ERR_IMAGE',
  async () => {
    const folder = new URL('../goldens/preprocess/', import.meta.url)
    const originals = await Promise.all(NAMES.map((name) => readFile(new URL(name, folder))))
    await fuzz('pictures', { codes: ['ERR_IMAGE'] }, async (random) => {
      const source = damage(pick(random, originals), random)
      const mode = pick(random, ['crop', 'letterbox'] as const)
      const size = 1 + random.below(64)
      const pixels = await preprocessImage(source, { size, mode, orient: random.below(2) === 0 })
      expect(pixels.shape).toEqual([1, size, size, 3])
      expect(pixels.data).toHaveLength(size * size * 3)
    })
  },
  fuzzTimeout,
)
