import { describe, expect, test } from 'vitest'
import {
  type EvalPoint,
  epochLossChart,
  type LossPoint,
  lossChart,
  recallChart,
  smoothed,
} from '../../lib/report/charts.js'
import { savitzkyGolay } from '../../lib/report/savitzky-golay.js'

type Row = Record<string, number | string>
type Layer = { data: { values: Row[] }; encoding: { y: { field: string } } }
const layersOf = (chart: object) => (chart as { layer: Layer[] }).layer
const rowsOf = (chart: object) => (chart as Layer).data.values

const evals: EvalPoint[] = [100, 200].map((step) => ({
  step,
  loss: 3 - step / 200,
  recall: { txt_r1: step + 1, txt_r5: step + 5, txt_r10: step + 10, img_r1: 1, img_r5: 5, img_r10: 10 },
}))

describe('lossChart', () => {
  const points = Array.from({ length: 300 }, (_, i) => ({ step: i + 1, loss: 4 - i / 100 + (i % 7) / 20 }))

  test('has the loss as measured and smoothed, and that of evaluations', () => {
    const [thin, bold, validation] = layersOf(lossChart(points, evals)) as [Layer, Layer, Layer]
    const smooth = smoothed(points)
    expect(thin.data.values).toEqual(points.map((p, i) => ({ ...p, smooth: smooth[i] })))
    expect(bold.data.values.map(({ step, smooth }) => [step, smooth])).toEqual(
      points.map((p, i) => [p.step, smooth[i]]),
    )
    expect([thin, bold, validation].map(({ encoding }) => encoding.y.field)).toEqual(['loss', 'smooth', 'loss'])
    expect(validation.data.values).toEqual(evals.map(({ step, loss }) => ({ step, loss, series: 'validation' })))
    expect(layersOf(lossChart(points, []))).toHaveLength(2)
  })

  test('is thinned to 2,000 points, the first and the last among them', () => {
    const many = Array.from({ length: 5000 }, (_, i) => ({ step: i + 1, loss: i }))
    const steps = rowsOf(layersOf(lossChart(many, []))[0]!).map(({ step }) => step as number)
    expect(steps).toHaveLength(2000)
    expect([steps[0], steps[1], steps.at(-1)]).toEqual([1, 4, 5000])
    expect(new Set(steps).size).toBe(2000)
    expect(rowsOf(layersOf(lossChart(many.slice(0, 2000), []))[0]!)).toHaveLength(2000)
  })
})

describe('epochLossChart', () => {
  const losses = (count: number) => Array.from({ length: count }, (_, i) => 4 - i / 10 + ((i * 7) % 5) / 3)
  const of = (rows: Row[], series: string, kind: string) =>
    rows.filter((row) => row.series === series && row.kind === kind).map(({ epoch, loss }) => [epoch, loss])

  test.each([
    [4, undefined],
    [5, 5],
    [24, 5],
    [25, 15],
  ])('of %i epochs is smoothed by a cubic over %s', (count, window) => {
    const measured = losses(count)
    const rows = rowsOf(epochLossChart(measured.map((loss, i) => ({ epoch: i + 1, loss }))))
    expect(of(rows, 'train', 'measured')).toEqual(measured.map((loss, i) => [i + 1, loss]))
    const smooth = window === undefined ? [] : savitzkyGolay(measured, window, 3)
    expect(of(rows, 'train', 'smooth')).toEqual(smooth.map((loss, i) => [i + 1, loss]))
    expect(of(rows, 'validation', 'measured')).toEqual([])
  })

  test('has validation at the epochs where it was measured, and no loss that is no number', () => {
    const points = losses(12).map((loss, i) => ({
      epoch: i + 1,
      loss: i === 3 ? Number.NaN : loss,
      ...(i % 2 === 1 && { validation: loss + 1 }),
    }))
    const rows = rowsOf(epochLossChart(points))
    expect(of(rows, 'train', 'measured').map(([epoch]) => epoch)).toEqual([1, 2, 3, 5, 6, 7, 8, 9, 10, 11, 12])
    expect(of(rows, 'train', 'smooth').map(([epoch]) => epoch)).toEqual([1, 2, 3, 5, 6, 7, 8, 9, 10, 11, 12])
    const validation = points.filter((p) => p.validation !== undefined).map((p) => [p.epoch, p.validation])
    expect(of(rows, 'validation', 'measured')).toEqual(validation)
    expect(of(rows, 'validation', 'smooth').map(([epoch]) => epoch)).toEqual([2, 4, 6, 8, 10, 12])
  })
})

test('recallChart has a row for each K, direction and evaluation; what is missing counts as none', () => {
  const rows = rowsOf(recallChart([...evals, { step: 300, loss: 1, recall: {} }]))
  expect(rows).toHaveLength(18)
  expect(rows).toContainEqual({ step: 200, recall: 205, at: 'R@5', direction: 'image → text' })
  expect(rows).toContainEqual({ step: 100, recall: 10, at: 'R@10', direction: 'text → image' })
  expect(rows).toContainEqual({ step: 300, recall: 0, at: 'R@1', direction: 'image → text' })
})

describe('smoothing', () => {
  const constant = Array.from({ length: 200 }, (_, step): LossPoint => ({ step, loss: 2 }))

  test('keeps a constant and passes over NaN', () => {
    for (const value of smoothed(constant)) expect(value).toBeCloseTo(2, 12)
    const broken = smoothed([...constant.slice(0, 100), { step: 100, loss: Number.NaN }, ...constant.slice(100)])
    expect(broken.every(Number.isFinite)).toBe(true)
  })

  test('averages over a fiftieth of the run', () => {
    // 4 of 200 points: three quarters of what was, a quarter of what is.
    const step = smoothed(constant.map((p, i) => ({ ...p, loss: i < 100 ? 0 : 1 })))
    expect(step[99]).toBe(0)
    for (const [k, value] of step.slice(100, 120).entries()) expect(value).toBeCloseTo(1 - 0.75 ** (k + 1), 9)
    expect(smoothed([{ step: 1, loss: 4 }])).toEqual([4])
  })
})
