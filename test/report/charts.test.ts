import { describe, expect, test } from 'vitest'
import type { Chart, Point } from '../../lib/report/chart.js'
import { type EvalPoint, epochLossChart, lossChart, recallChart, smoothed } from '../../lib/report/charts.js'
import { savitzkyGolay } from '../../lib/report/savitzky-golay.js'
import { curveOf } from './losses.js'

/** The points of a curve or level by its name in the legend, of which each look has one. */
function named({ curves, legend }: Chart, text: string): readonly Point[] | undefined {
  const look = legend.find((entry) => entry.text === text)?.look
  return curves.find((curve) => curve.look === look)?.points
}

const evals: EvalPoint[] = [100, 200].map((step) => ({
  step,
  loss: 3 - step / 200,
  recall: { txt_r1: step / 10, txt_r5: step / 5, txt_r10: step / 4, img_r1: 1, img_r5: 5, img_r10: 10 },
}))
const withMeans = (...means: number[]): EvalPoint[] =>
  means.map((r_mean, i) => ({ step: 10 * (i + 1), loss: 1, recall: { r_mean } }))

describe('lossChart', () => {
  const losses = Array.from({ length: 300 }, (_, i) => 4 - i / 100 + (i % 7) / 20)
  const points = curveOf(losses)

  test('has the loss as measured and smoothed, and that of evaluations', () => {
    const chart = lossChart(points, evals)
    const smooth = smoothed(points)
    expect(named(chart, 'train, measured')).toEqual(losses.map((loss, i) => [i + 1, loss]))
    expect(named(chart, 'train, smoothed')).toEqual(smooth.map((loss, i) => [i + 1, loss]))
    expect(named(chart, 'validation')).toEqual(evals.map(({ step, loss }) => [step, loss]))
    expect(chart.curves).toHaveLength(3)
    expect(lossChart(points).curves).toHaveLength(2)
    expect(lossChart(points).legend.map(({ text }) => text)).toEqual(['train, measured', 'train, smoothed'])
  })

  test('goes through the lowest and the highest of the steps that a point stands for', () => {
    const wide = [1, 2, 3].map((step) => ({ step, loss: step, low: step - 0.5, high: step + 2 }))
    expect(named(lossChart(wide), 'train, measured')).toEqual([
      [1, 0.5],
      [1, 3],
      [2, 4],
      [2, 1.5],
      [3, 2.5],
      [3, 5],
    ])
  })

  test('has room around all that it shows, the level of guessing included', () => {
    const guessing = { value: 4.85, text: 'guessing: ln 128 = 4.85' }
    const chart = lossChart(points, evals, { guessing })
    expect(chart.levels.map(({ y }) => y)).toEqual([4.85])
    expect(chart.legend.at(-1)).toEqual({ text: guessing.text, look: chart.levels[0]!.look })
    const lowest = Math.min(...losses)
    expect(chart.y.domain[0]).toBeCloseTo(lowest - 0.05 * (4.85 - lowest), 9)
    expect(chart.y.domain[1]).toBeCloseTo(4.85 + 0.05 * (4.85 - lowest), 9)
    expect(lossChart(points, evals).levels).toEqual([])
  })
})

describe('epochLossChart', () => {
  const losses = (count: number) => Array.from({ length: count }, (_, i) => 4 - i / 10 + ((i * 7) % 5) / 3)

  test.each([
    [4, undefined],
    [5, 5],
    [24, 5],
    [25, 15],
  ])('of %i epochs is smoothed by a cubic over %s', (count, window) => {
    const measured = losses(count)
    const chart = epochLossChart(measured.map((loss, i) => ({ epoch: i + 1, loss })))
    expect(named(chart, 'train')).toEqual(measured.map((loss, i) => [i + 1, loss]))
    const smooth = window && savitzkyGolay(measured, window, 3).map((loss, i) => [i + 1, loss])
    expect(named(chart, 'train, smoothed')).toEqual(smooth)
    expect(named(chart, 'validation')).toBeUndefined()
  })

  test('has validation at the epochs where it was measured, and no loss that is no number', () => {
    const points = losses(12).map((loss, i) => ({
      epoch: i + 1,
      loss: i === 3 ? Number.NaN : loss,
      ...(i % 2 === 1 && { validation: loss + 1 }),
    }))
    const chart = epochLossChart(points)
    const epochs = (text: string) => named(chart, text)?.map(([epoch]) => epoch)
    expect(epochs('train')).toEqual([1, 2, 3, 5, 6, 7, 8, 9, 10, 11, 12])
    expect(epochs('train, smoothed')).toEqual([1, 2, 3, 5, 6, 7, 8, 9, 10, 11, 12])
    const validation = points.filter((p) => p.validation !== undefined).map((p) => [p.epoch, p.validation])
    expect(named(chart, 'validation')).toEqual(validation)
    expect(epochs('validation, smoothed')).toEqual([2, 4, 6, 8, 10, 12])
  })
})

describe('recallChart', () => {
  test('has a curve for each K and direction; what is missing counts as none', () => {
    const { curves } = recallChart([...evals, { step: 300, loss: 1, recall: {} }])
    const colours = [...new Set(curves.map(({ look }) => look.colour))]
    expect(curves).toHaveLength(6)
    expect(colours).toHaveLength(3)
    for (const { points } of curves) expect(points.at(-1)).toEqual([300, 0])
    const [from10, from5, from1] = colours.map((colour) =>
      Object.fromEntries(
        curves.filter((c) => c.look.colour === colour).map((c) => [c.look.marker, c.points.slice(0, 2)]),
      ),
    )
    const at = (...values: number[]) => values.map((value, i) => [100 * (i + 1), value])
    expect(from10).toEqual({ disc: at(25, 50), ring: at(10, 10) })
    expect(from5).toEqual({ disc: at(20, 40), ring: at(5, 5) })
    expect(from1).toEqual({ disc: at(10, 20), ring: at(1, 1) })
  })

  test('begins at 0 and has room above its top value, but no tick above 100', () => {
    expect(recallChart(evals).y.domain[0]).toBe(0)
    expect(recallChart(evals).y.domain[1]).toBeCloseTo(1.08 * 50, 9)
    const full = recallChart([{ step: 1, loss: 1, recall: { txt_r10: 100 } }]).y
    expect(full.domain[1]).toBeGreaterThan(105)
    expect(full.lastTick).toBe(100)
  })

  test('shows what chance reaches at each K, as the last evaluation knows it, once where directions agree', () => {
    const chance = { txt_r1: 0.5, img_r1: 0.5, txt_r5: 2.5, img_r5: 2.5, txt_r10: 5, img_r10: 4.5 }
    const older = { ...chance, txt_r1: 40 }
    const chart = recallChart(evals.map((e, i) => ({ ...e, chance: i === 0 ? older : chance })))
    expect(chart.levels.map(({ y }) => y).sort((a, b) => a - b)).toEqual([0.5, 2.5, 4.5, 5])
    const colourOf = (k: number) => chart.legend.find(({ text }) => text === `R@${k}`)?.look.colour
    expect(chart.levels.find(({ y }) => y === 2.5)?.look.colour).toBe(colourOf(5))
    expect(chart.legend.map(({ text }) => text)).toContain('chance')
    expect(recallChart(evals).levels).toEqual([])
    expect(recallChart(evals).legend.map(({ text }) => text)).not.toContain('chance')
  })
})

describe('recallChart of a run with canaries', () => {
  const canaries = [
    { name: 'known.json, mean recall', points: [[0, 60] as const, [200, 40] as const] },
    { name: 'pets, top-1', points: [[0, 80] as const, [200, 79] as const] },
  ]

  test('has a line for each beside the recall', () => {
    const chart = recallChart(evals, { canaries })
    expect(named(chart, 'canary known.json, mean recall')).toEqual(canaries[0]!.points)
    expect(named(chart, 'canary pets, top-1')).toEqual(canaries[1]!.points)
    expect(chart.curves).toHaveLength(8)
    expect(chart.y.domain[1]).toBeGreaterThan(80)
  })

  test('stands alone where there is no validation list', () => {
    const chart = recallChart([], { canaries, lastStep: 400 })
    expect(chart.title).toBe('What the model knew before')
    expect(chart.legend.map(({ text }) => text)).toEqual(canaries.map(({ name }) => `canary ${name}`))
    expect(chart.x.domain).toEqual([0, 400])
    expect(chart.best).toBeUndefined()
  })
})

test('legends show dashes where there are any to tell apart', () => {
  const epochs = Array.from({ length: 5 }, (_, i) => ({ epoch: i + 1, loss: 4 - i / 10 }))
  const hasDashes = ({ legend }: Chart) => legend.some(({ look }) => look.dash !== undefined)
  expect(hasDashes(recallChart(evals))).toBe(true)
  expect(hasDashes(epochLossChart(epochs))).toBe(true)
  expect(hasDashes(epochLossChart(epochs.slice(0, 4)))).toBe(false)
})

describe('both charts by step', () => {
  test('have the same axis, which ends with the last step of either', () => {
    const o = { lastStep: 300 }
    expect(lossChart(curveOf([1, 2]), evals, o).x).toEqual(recallChart(evals, o).x)
    expect(recallChart(evals, o).x.domain).toEqual([0, 300])
    expect(lossChart(curveOf([1, 2]), evals).x.domain).toEqual([0, 200])
    expect(lossChart([]).x.domain).toEqual([0, 1])
  })

  test('mark the first evaluation with the highest mean recall', () => {
    const some = withMeans(Number.NaN, 20, 41.26, 41.26, 30)
    expect(recallChart(some).best).toEqual({ x: 30, text: 'best: step 30, mean recall 41.3 %' })
    expect(lossChart([], some).best).toEqual({ x: 30, text: 'best recall: step 30' })
    expect(lossChart(curveOf([1]), []).best).toBeUndefined()
    expect(recallChart(withMeans(0)).best?.x).toBe(10)
  })
})

describe('smoothing', () => {
  const constant = Array.from({ length: 200 }, () => ({ loss: 2 }))

  test('keeps a constant and passes over NaN', () => {
    for (const value of smoothed(constant)) expect(value).toBeCloseTo(2, 12)
    const broken = smoothed([...constant.slice(0, 100), { loss: Number.NaN }, ...constant.slice(100)])
    expect(broken.every(Number.isFinite)).toBe(true)
  })

  test('averages over a fiftieth of the run', () => {
    // 4 of 200 points: three quarters of what was, a quarter of what is.
    const step = smoothed(constant.map((_, i) => ({ loss: i < 100 ? 0 : 1 })))
    expect(step[99]).toBe(0)
    for (const [k, value] of step.slice(100, 120).entries()) expect(value).toBeCloseTo(1 - 0.75 ** (k + 1), 9)
    expect(smoothed([{ loss: 4 }])).toEqual([4])
  })
})
