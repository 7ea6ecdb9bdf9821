import { expect, it } from 'vitest'
import { findDuplicateKey } from '../../lib/files/duplicate-keys.js'

it.each([
  ['{"a":1,"b":2,"a":3}', 'a'],
  ['{"a":{"b":1, "b" :2}}', 'b'],
  ['[{"a":1},{"x":[{"c":1,"c":2}]}]', 'c'],
  ['{"a":1,"\\u0061":2}', 'a'],
  ['{"a\\"":1,"b":"}{","a\\"":2}', 'a"'],
])('finds it in %s', (json, key) => {
  expect(findDuplicateKey(json)).toBe(key)
})

it.each(['{}', '"a"', '{"a":"a","b":["a","a"]}', '{"a":{"a":{"a":1}}}', '[{"a":1},{"a":1}]', '{"\\\\":1,"\\"":2}'])(
  'finds none in %s',
  (json) => {
    expect(findDuplicateKey(json)).toBeUndefined()
  },
)
