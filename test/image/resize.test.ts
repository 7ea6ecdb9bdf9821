import { describe, expect, it } from 'vitest'
import { callNative, native } from '../../lib/native/addon.js'
import type { NativeResize } from '../../lib/native/image.js'

const good: NativeResize = {
  data: new Uint8Array(6 * 4 * 3).fill(7),
  width: 6,
  height: 4,
  box: [0, 0, 6, 4],
  outWidth: 3,
  outHeight: 2,
  filter: 'bicubic',
}
const resize = (o: object) => callNative(async () => native().resizePicture({ ...good, ...o }))

describe('resizePicture', () => {
  it('gives the window that is asked for, the whole by default', async () => {
    expect(await resize({})).toEqual(new Uint8Array(3 * 2 * 3).fill(7))
    expect(await resize({ window: [1, 0, 2, 1] })).toEqual(new Uint8Array(2 * 1 * 3).fill(7))
  })

  it('takes a part of the data for all there is', async () => {
    const data = Uint8Array.from({ length: 72 }, (_, i) => (i * 37) % 251)
    const rows = [1, 2, 3].flatMap((y) => [...data.subarray((y * 6 + 2) * 3, (y * 6 + 5) * 3)])
    const cut = { data: Uint8Array.from(rows), width: 3, height: 3 }
    const o = { box: [0, 0, 3, 3], outWidth: 2, outHeight: 5 }
    expect(await resize({ data, crop: [2, 1, 3, 3], ...o })).toEqual(await resize({ ...cut, ...o }))
  })

  it.each([
    ['too few bytes', { data: new Uint8Array(71) }, '72 bytes, got 71'],
    ['floats', { data: new Float32Array(72) }, 'expected a Uint8Array'],
    ['a width of 0', { width: 0 }, 'data: expected'],
    ['a crop of nothing', { crop: [1, 1, 0, 2] }, 'expected a source'],
    ['a crop before the data', { crop: [-1, 0, 2, 2] }, 'crop: expected a part of 6 x 4 pixels'],
    ['a crop beyond the data', { crop: [3, 0, 4, 2] }, 'crop: expected a part of 6 x 4 pixels'],
    ['a crop of NaN', { crop: [0, 0, Number.NaN, 2] }, 'expected a source'],
    ['half a pixel', { height: 3.5 }, 'data: expected'],
    ['a result of NaN', { outWidth: Number.NaN }, 'outWidth: expected a finite'],
    ['NaN in the box', { box: [0, Number.NaN, 6, 4] }, 'expected a box'],
    ['an empty box', { box: [2, 0, 2, 4] }, 'expected a box'],
    ['a box of three', { box: [0, 0, 6] }, 'box: expected 4 numbers'],
    ['a box beyond the source', { box: [0, 0, 6.5, 4] }, 'expected a box'],
    ['NaN in the window', { window: [Number.NaN, 0, 3, 2] }, 'expected a window'],
    ['a window before the result', { window: [0, -1, 3, 2] }, 'expected a window'],
    ['a window beyond the result', { window: [1, 0, 3, 2] }, 'expected a window'],
  ])('refuses %s', async (_, options, message) => {
    await expect(resize(options)).rejects.toMatchObject({
      name: 'ClipwrightError',
      code: 'ERR_INVALID_ARGUMENT',
      message: expect.stringContaining(message),
    })
  })
})
