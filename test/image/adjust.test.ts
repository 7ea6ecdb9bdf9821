import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { decodeImage } from '../../lib/image/decode.js'
import { callNative, native } from '../../lib/native/addon.js'
import type { NativeAdjustment } from '../../lib/native/image.js'

const GOLDENS = new URL('../goldens/augment/', import.meta.url)
type Case = { file: string; op: string; value: number | number[] | null; expected: string }
const cases = ['cases.json', 'opencv.json'].flatMap(
  (name) => (JSON.parse(readFileSync(new URL(name, GOLDENS), 'utf8')) as { cases: Case[] }).cases,
)
const load = (name: string) => decodeImage(fileURLToPath(new URL(name, GOLDENS)))

/** shearX → shear_x, translateY-bicubic → translate_y_bicubic */
const nameOf = (op: string) => op.replace('-', '_').replace(/[XY]/, (axis) => `_${axis.toLowerCase()}`)

/** Most levels that a value may be off. Pillow is equalled bit for bit, OpenCV's fixed-point arithmetic is not. */
const LEVELS: Record<string, number> = { hsv: 1, rotate_bilinear: 3 }

describe('adjustPicture against Pillow and OpenCV', () => {
  it.each(cases.map((c) => [`${c.file} ${c.op} ${c.value}`, c] as const))(
    '%s',
    async (_, { file, op, value, expected }) => {
      const picture = await load(file)
      const want = (await load(expected)).data
      const adjustment: NativeAdjustment = [nameOf(op), ...[value ?? []].flat()]
      const got = await native().adjustPicture({ ...picture, adjustments: [adjustment] })
      const off = Uint8Array.from(got, (x, i) => Math.abs(x - want[i]!))
      expect(off.reduce((a, b) => Math.max(a, b), 0)).toBeLessThanOrEqual(LEVELS[op] ?? 0)
    },
  )
})

describe('adjustPicture', () => {
  const data = () => Uint8Array.from({ length: 5 * 4 * 3 }, (_, i) => (i * 37) % 256)
  const adjust = (...adjustments: NativeAdjustment[]) =>
    callNative(async () => native().adjustPicture({ data: data(), width: 5, height: 4, adjustments }))

  it('makes changes in order', async () => {
    const once = await adjust(['solarize', 100])
    const both = await adjust(['solarize', 100], ['posterize', 4])
    expect(both).toEqual(once.map((x) => x & 0xf0))
    expect(both).not.toEqual(await adjust(['posterize', 4], ['solarize', 100]))
    expect(await adjust()).toEqual(data())
  })

  it.each(['equalize', 'autocontrast', 'invert'])('leaves or inverts a picture of one colour: %s', async (name) => {
    const one = new Uint8Array(3 * 3 * 3).fill(77)
    const result = await native().adjustPicture({ data: one, width: 3, height: 3, adjustments: [[name]] })
    expect(result).toEqual(new Uint8Array(27).fill(name === 'invert' ? 178 : 77))
  })

  it.each([
    ['an unknown name', ['blur', 1], 'no adjustment "blur"'],
    ['half a bit', ['posterize', 3.5], 'whole number'],
    ['nine bits', ['posterize', 9], 'got 9'],
    ['NaN', ['rotate', Number.NaN], 'got nan'],
    ['infinity', ['shear_x', Number.POSITIVE_INFINITY], 'got inf'],
    ['a negative factor', ['color', -0.1], 'got -0.1'],
    ['a negative factor on hue', ['hsv', 1, -1, 1], 'got -1'],
    ['text', ['color', '1'], 'expected numbers'],
    ['no name', [7], 'a name and its values'],
  ] as unknown as [string, NativeAdjustment, string][])('refuses %s', async (_, adjustment, message) => {
    await expect(adjust(adjustment)).rejects.toMatchObject({
      code: 'ERR_INVALID_ARGUMENT',
      message: expect.stringContaining(message),
    })
  })

  it('refuses bytes that do not fit', async () => {
    const short = { data: new Uint8Array(59), width: 5, height: 4, adjustments: [] }
    await expect(callNative(async () => native().adjustPicture(short))).rejects.toMatchObject({
      code: 'ERR_INVALID_ARGUMENT',
      message: expect.stringContaining('60 bytes, got 59'),
    })
  })
})
