import { expect, it } from 'vitest'
import { findOddNumber } from '../../lib/files/plain-numbers.js'

const KEYS = new Set(['shape'])

it.each([
  ['{"shape":[1,2]}', undefined],
  ['{"shape":[]}', undefined],
  ['{"shape":[1, 2.0]}', '2.0'],
  ['{"a":{"shape" : [3E1]}}', '3E1'],
  ['{"shape":[-0]}', '-0'],
  ['{"shape":["-0"]}', undefined],
  ['{"other":[1.5],"shape":[1]}', undefined],
  ['{"other":1.5,"shape":[1]}', undefined],
  ['{"shape":1.5,"other":[1.5]}', undefined],
  ['{"a\\"shape":[1.5]}', undefined],
  ['{"a":"shape","b":[1.5]}', undefined],
  ['{"shape":[[1,[2.5]]]}', '2.5'],
])('%s has the odd number %s', (json, odd) => {
  expect(findOddNumber(json, KEYS)).toBe(odd)
})
