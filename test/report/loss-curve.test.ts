import { expect, test } from 'vitest'
import { curveOf } from './losses.js'

test('few steps are a point each', () => {
  expect(curveOf([3, 2.5])).toEqual([
    { step: 1, loss: 3, low: 3, high: 3 },
    { step: 2, loss: 2.5, low: 2.5, high: 2.5 },
  ])
  expect(curveOf([])).toEqual([])
})

test('2048 steps are as many points, one more makes half of them, each of two steps', () => {
  const losses = Array.from({ length: 2049 }, (_, i) => i % 10)
  expect(curveOf(losses.slice(0, 2048)).map((p) => p.loss)).toEqual(losses.slice(0, 2048))
  const points = curveOf(losses)
  expect(points).toHaveLength(1025)
  expect(points[0]).toEqual({ step: 2, loss: 0.5, low: 0, high: 1 })
  expect(points[1023]).toEqual({ step: 2048, loss: 6.5, low: 6, high: 7 })
  expect(points[1024]).toEqual({ step: 2049, loss: 8, low: 8, high: 8 })
})

test('100,000 steps keep their peaks, and each point stands for as many', () => {
  const losses = Array.from({ length: 100_000 }, (_, i) => 2 + (i % 5) / 10)
  losses[31_415] = 90
  losses[92_653] = -7
  const points = curveOf(losses)
  expect(points.length).toBeGreaterThan(1024)
  expect(points.length).toBeLessThanOrEqual(2048)
  const steps = points.map(({ step }) => step)
  const each = steps.map((step, i) => step - (steps[i - 1] ?? 0))
  expect(new Set(each.slice(0, -1))).toEqual(new Set([64]))
  expect(steps.at(-1)).toBe(100_000)
  expect(points.filter(({ high }) => high === 90).map(({ step }) => step)).toEqual([31_424])
  expect(points.filter(({ low }) => low === -7).map(({ step }) => step)).toEqual([92_672])
  const calm = points[10]!
  expect(calm.loss).toBeCloseTo(losses.slice(640, 704).reduce((a, b) => a + b) / 64, 9)
  expect([calm.low, calm.high]).toEqual([2, 2.4])
})

test('a loss that is not finite is a gap, or left out of the steps that share its point', () => {
  const losses: number[] = Array.from({ length: 2049 }, () => 1)
  losses[1] = Number.NaN
  losses[2] = Number.POSITIVE_INFINITY
  losses[3] = Number.NaN
  expect(curveOf(losses.slice(0, 2))[1]).toEqual({ step: 2, loss: Number.NaN, low: Number.NaN, high: Number.NaN })
  const points = curveOf(losses)
  expect(points[0]).toEqual({ step: 2, loss: 1, low: 1, high: 1 })
  expect(points[1]).toEqual({ step: 4, loss: Number.NaN, low: Number.NaN, high: Number.NaN })
})
