import { describe, expect, it } from 'vitest'
import {
  roundToBfloat16,
  roundToFloat16,
  widenBfloat16,
  widenFloat16,
} from '../../../lib/checkpoint/formats/half-precision.js'

const everyHalf = Uint16Array.from({ length: 0x10000 }, (_, bits) => bits)
type Round = typeof roundToFloat16
const round = (by: Round, values: number[]) => {
  const to = new Uint16Array(values.length)
  by(Float32Array.from(values), to)
  return [...to]
}

describe.each([
  ['float16', widenFloat16, roundToFloat16],
  ['bfloat16', widenBfloat16, roundToBfloat16],
] as const)('%s', (_, widen, roundTo) => {
  const values = new Float32Array(0x10000)
  widen(everyHalf, values)

  it('comes back from f32 in every bit, NaN as NaN', () => {
    const back = new Uint16Array(0x10000)
    roundTo(values, back)
    const again = new Float32Array(0x10000)
    widen(back, again)
    const changed = everyHalf.filter((half) =>
      Number.isNaN(values[half]) ? !Number.isNaN(again[half]) : back[half] !== half,
    )
    expect([...changed]).toEqual([])
  })

  it('rounds the middle of two neighbours to the even one, anything else to the nearer', () => {
    const neighbours = [0x0000, 0x0001, 0x03ff, 0x0400, 0x3bff, 0x3c00, 0x3c01, 0x7000]
    for (const low of neighbours) {
      const [a, b] = [values[low]!, values[low + 1]!]
      const middle = Math.fround((a + b) / 2)
      // An f32 has bits enough for the exact middle, or the case would say nothing.
      expect(middle).toBe((a + b) / 2)
      const even = low % 2 === 0 ? low : low + 1
      const above = new Float32Array(new Uint32Array([bitsOf(middle) + 1]).buffer)[0]!
      const below = new Float32Array(new Uint32Array([bitsOf(middle) - 1]).buffer)[0]!
      expect(round(roundTo, [middle, above, below, -middle]), `${low}`).toEqual([even, low + 1, low, even | 0x8000])
    }
  })
})

const bitsOf = (value: number) => new Uint32Array(Float32Array.of(value).buffer)[0]!

it('is done on parts of larger arrays, and keeps a NaN whose bits lie all in the lower half', () => {
  const values = Float32Array.of(7, 1, -2).subarray(1)
  for (const [roundTo, widen] of [
    [roundToFloat16, widenFloat16],
    [roundToBfloat16, widenBfloat16],
  ] as const) {
    const to = new Uint16Array(3).fill(9)
    roundTo(values, to.subarray(1))
    const back = new Float32Array(3).fill(7)
    widen(to.subarray(1), back.subarray(1))
    expect([...back]).toEqual([7, 1, -2])
    expect(to[0]).toBe(9)
    const nan = new Float32Array(new Uint32Array([0x7f800001]).buffer)
    roundTo(nan, to.subarray(0, 1))
    widen(to.subarray(0, 1), back.subarray(0, 1))
    expect(back[0]).toBeNaN()
  }
})

it('knows float16’s landmarks', () => {
  expect(round(roundToFloat16, [1, -2, 65504, 65519, 65520, 1e9, 2 ** -24, 2 ** -25, 0.1, -0])).toEqual([
    0x3c00, 0xc000, 0x7bff, 0x7bff, 0x7c00, 0x7c00, 0x0001, 0x0000, 0x2e66, 0x8000,
  ])
})

it('knows bfloat16’s landmarks', () => {
  expect(round(roundToBfloat16, [1, 3.4e38, Number.NaN, 0.1, -Infinity])).toEqual([
    0x3f80, 0x7f80, 0x7fc0, 0x3dcd, 0xff80,
  ])
})
