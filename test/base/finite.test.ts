import { expect, test } from 'vitest'
import { allFinite } from '../../lib/base/arrays.js'

test('what is finite is, also at the ends of the range', () => {
  expect(allFinite(new Float32Array())).toBe(true)
  expect(allFinite(Float32Array.of(0, -0, 3.4e38, -3.4e38, 1e-45))).toBe(true)
})

test.each([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])('%d is found at any place', (odd) => {
  for (let length = 1; length < 10; length++) {
    for (let at = 0; at < length; at++) {
      const values = new Float32Array(length).fill(1)
      values[at] = odd
      expect(allFinite(values), `${at} of ${length}`).toBe(false)
    }
  }
})
