import { describe, expect, test } from 'vitest'
import { type Axis, axisTicks, reaching } from '../../lib/report/chart.js'

describe('reaching', () => {
  test.each([
    ['finite values and a share beyond', [3, Number.NaN, 1, Number.POSITIVE_INFINITY], [0.8, 3.2]],
    ['around a single value', [5], [4.5, 5.5]],
    ['around zero', [0, 0], [-0.5, 0.5]],
    ['0 to 1 without any', [Number.NaN], [0, 1]],
  ])('%s', (_, values, expected) => {
    const [low, high] = reaching(values, 0.1)
    expect(low).toBeCloseTo(expected[0]!, 12)
    expect(high).toBeCloseTo(expected[1]!, 12)
  })
})

describe('ticks', () => {
  const of = (low: number, high: number, more: Partial<Axis> = {}) =>
    axisTicks({ title: '', domain: [low, high], ...more }, 5).map(({ text }) => text)

  test.each([
    ['steps', 0, 9500, { whole: true }, ['0', '2000', '4000', '6000', '8000']],
    ['many steps', 0, 31_000, { whole: true }, ['0', '5k', '10k', '15k', '20k', '25k', '30k']],
    ['few steps, at whole numbers alone', 0, 2, { whole: true }, ['0', '1', '2']],
    ['an epoch', 0.5, 1.5, { whole: true }, ['1']],
    ['percent up to 100', 0, 108, { lastTick: 100 }, ['0', '20', '40', '60', '80', '100']],
    ['losses, with digits enough', 0.93, 1.12, {}, ['0.95', '1.00', '1.05', '1.10']],
    ['below zero', -1, 1, {}, ['-1.0', '-0.5', '0.0', '0.5', '1.0']],
    ['tiny losses', 1e-6, 3e-6, {}, ['1e-6', '1.5e-6', '2e-6', '2.5e-6', '3e-6']],
  ])('of %s', (_, low, high, more, expected) => {
    expect(of(low, high, more)).toEqual(expected)
  })

  test('lie where their texts say', () => {
    expect(axisTicks({ title: '', domain: [0, 10] }, 2)).toEqual([
      { value: 0, text: '0' },
      { value: 5, text: '5' },
      { value: 10, text: '10' },
    ])
  })
})
