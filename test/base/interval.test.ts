import { expect, test } from 'vitest'
import { interval, intervalOf } from '../../lib/base/interval.js'

test.each([
  [500, { steps: 500 }],
  ['500', { steps: 500 }],
  ['90s', { ms: 90_000 }],
  ['10m', { ms: 600_000 }],
  [' 1.5h ', { ms: 5_400_000 }],
] as const)('%j is an interval', (given, expected) => {
  expect(intervalOf(given)).toEqual(expected)
})

test.each([0, -1, 1.5, Number.NaN, '', '0', '0m', '1.5', '10 m', '10M', '10min', 'm', '1e3', '10m 5s'])(
  '%j is none',
  (given) => {
    expect(intervalOf(given)).toBeUndefined()
  },
)

test('a flag keeps steps as a number and a time as it is written', () => {
  expect([interval.flag?.read?.('500'), interval.flag?.read?.('10m'), interval.flag?.read?.('soon')]).toEqual([
    500,
    '10m',
    undefined,
  ])
})
