/** Every kind of picture becomes what Pillow 13 makes of it (pillow/make_pillow.py). */
import { readFileSync } from 'node:fs'
import { inflateSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { preprocessImage } from '../../lib/image/preprocess.js'

type Case = {
  file: string
  orient: boolean
  convert: 'before' | 'after'
  interpolation: 'bicubic' | 'bilinear'
  mode: 'crop' | 'squash' | 'pad'
  size: number
  pixels: string
}

const folder = new URL('./pillow/', import.meta.url)
const cases = JSON.parse(readFileSync(new URL('expected.json', folder), 'utf8')) as Case[]

describe('pictures as Pillow has them', () => {
  it.each(cases)(
    '$file, made RGB $convert a $interpolation $mode to $size, orient $orient',
    async ({ file, pixels, ...options }) => {
      const expected = inflateSync(Buffer.from(pixels, 'base64'))
      const { data } = await preprocessImage(new URL(file, folder), options)
      expect(data.length).toBe(expected.length)
      const worst = expected.reduce((most, x, i) => Math.max(most, Math.abs(x - data[i]!)), 0)
      // Decoders of AVIF differ by a few levels; the fields of these pictures by 170.
      expect(worst).toBeLessThanOrEqual(file.endsWith('.avif') ? 3 : 0)
    },
  )
})
