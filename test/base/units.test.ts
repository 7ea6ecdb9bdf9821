import { expect, it } from 'vitest'
import { sizeText } from '../../lib/base/bytes.js'
import { countedInUnits } from '../../lib/base/counted.js'

it.each([
  [0, '0 bytes'],
  [1, '1 byte'],
  [1023, '1023 bytes'],
  [23 * 1024, '23.0 KiB'],
  [605157376, '577.1 MiB'],
])('sizes are in the unit that fits: %d', (bytes, text) => {
  expect(sizeText(bytes)).toBe(text)
})

it.each([
  [1, '1 parameter'],
  [999, '999 parameters'],
  [65536, '65.5 k parameters'],
  [151277313, '151.28 M parameters'],
])('counts are in the unit that fits: %d', (n, text) => {
  expect(countedInUnits(n, 'parameter')).toBe(text)
})
