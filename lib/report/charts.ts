/** Curves of a training run as vega-lite charts: which points they go through, and what they look like. */
import type { TopLevelSpec } from 'vega-lite'
import { savitzkyGolay } from './savitzky-golay.js'

export type LossPoint = { step: number; loss: number }
export type EpochPoint = { epoch: number; loss: number; validation?: number }
export type EvalPoint = { step: number; loss: number; recall: Record<string, number> }

/** More points than this cannot be told apart on a plot of this width. */
const MAX_POINTS = 2000
const WIDTH = 720
const HEIGHT = 360
const TRAIN = '#4c78a8'
const VAL = '#e45756'
/** Lines of a legend that is not about colour; without theirs they are not drawn where curves have points. */
const DASHES = { symbolStrokeColor: '#666666', symbolFillColor: 'transparent' } as const

/**
 * Training loss by step, thin as measured and bold smoothed (exponential moving average over a fiftieth of the run),
 * with the validation loss where there is one.
 */
export function lossChart(points: readonly LossPoint[], evals: readonly EvalPoint[]): TopLevelSpec {
  const smooth = smoothed(points)
  const rows = thin(points.map((p, i) => ({ step: p.step, loss: p.loss, smooth: smooth[i]! })))
  const x = { field: 'step', type: 'quantitative', title: 'step', axis: { format: '~s' } } as const
  const y = { type: 'quantitative', title: 'loss', scale: { zero: false } } as const
  const series = {
    type: 'nominal',
    title: null,
    scale: { domain: ['train', 'validation'], range: [TRAIN, VAL] },
  } as const
  const validation: TopLevelSpec[] = evals.length
    ? [
        {
          data: { values: evals.map((e) => ({ step: e.step, loss: e.loss, series: 'validation' })) },
          mark: { type: 'line', strokeWidth: 2.5, point: { size: 45, filled: true } },
          encoding: { x, y: { ...y, field: 'loss' }, color: { ...series, field: 'series' } },
        },
      ]
    : []
  return {
    ...LOOK,
    title: 'Loss',
    layer: [
      {
        data: { values: rows },
        mark: { type: 'line', strokeWidth: 1, opacity: 0.35, color: TRAIN },
        encoding: { x, y: { ...y, field: 'loss' } },
      },
      {
        data: { values: rows.map((r) => ({ ...r, series: 'train' })) },
        mark: { type: 'line', strokeWidth: 2.5, point: rows.length === 1 },
        encoding: { x, y: { ...y, field: 'smooth' }, color: { ...series, field: 'series' } },
      },
      ...validation,
    ],
  } as TopLevelSpec
}

/**
 * Losses by epoch, as measured and, from five epochs on, smoothed: Savitzky and Golay's cubic over 5 epochs, over 15
 * from 25 epochs on, as the reference draws them.
 *
 * @param points the epoch, counted from 1; validation where it was measured
 */
export function epochLossChart(points: readonly EpochPoint[]): TopLevelSpec {
  const measured = (name: 'loss' | 'validation') =>
    points.flatMap((p) => (Number.isFinite(p[name]) ? [{ epoch: p.epoch, loss: p[name] as number }] : []))
  const curves = [
    { series: 'train', points: measured('loss') },
    { series: 'validation', points: measured('validation') },
  ].filter((curve) => curve.points.length > 0)
  const rows = curves.flatMap(({ series, points: all }) => {
    const smooth = smoothedByEpoch(all.map(({ loss }) => loss))
    return [
      ...all.map((p) => ({ ...p, series, kind: 'measured' })),
      ...smooth.map((loss, i) => ({ epoch: all[i]!.epoch, loss, series, kind: 'smooth' })),
    ]
  })
  return {
    ...LOOK,
    title: 'Loss by epoch',
    data: { values: rows },
    mark: { type: 'line', strokeWidth: 2.5, point: rows.length < 5 },
    encoding: {
      x: { field: 'epoch', type: 'quantitative', title: 'epoch', axis: { format: 'd', tickMinStep: 1 } },
      y: { field: 'loss', type: 'quantitative', title: 'loss', scale: { zero: false } },
      color: {
        field: 'series',
        type: 'nominal',
        title: null,
        scale: { domain: ['train', 'validation'], range: [TRAIN, VAL] },
      },
      strokeDash: {
        field: 'kind',
        type: 'nominal',
        title: null,
        legend: rows.some(({ kind }) => kind === 'smooth') ? DASHES : null,
        scale: {
          domain: ['measured', 'smooth'],
          range: [
            [1, 0],
            [6, 3],
          ],
        },
      },
    },
  } as TopLevelSpec
}

/** Nothing where there are fewer values than a window. */
function smoothedByEpoch(losses: readonly number[]): number[] {
  const window = losses.length < 25 ? 5 : 15
  return losses.length < window ? [] : savitzkyGolay(losses, window, 3)
}

const DIRECTIONS = { txt: 'image → text', img: 'text → image' } as const

/** Recall at 1, 5 and 10 in both directions by step, in percent. */
export function recallChart(evals: readonly EvalPoint[]): TopLevelSpec {
  const rows = Object.entries(DIRECTIONS).flatMap(([key, direction]) =>
    [1, 5, 10].flatMap((k) =>
      evals.map((e) => ({ step: e.step, recall: e.recall[`${key}_r${k}`] ?? 0, at: `R@${k}`, direction })),
    ),
  )
  return {
    ...LOOK,
    title: 'Recall on the validation list',
    data: { values: rows },
    mark: { type: 'line', strokeWidth: 2.5, point: { size: 45, filled: true } },
    encoding: {
      x: { field: 'step', type: 'quantitative', title: 'step', axis: { format: '~s' } },
      y: { field: 'recall', type: 'quantitative', title: 'recall in percent', scale: { domainMin: 0 } },
      color: {
        field: 'at',
        type: 'nominal',
        title: null,
        sort: ['R@10', 'R@5', 'R@1'],
        scale: { range: ['#54a24b', '#f58518', '#4c78a8'] },
      },
      strokeDash: { field: 'direction', type: 'nominal', title: null, legend: DASHES },
    },
  } as TopLevelSpec
}

/** Exponential moving average, started unbiased (as Adam's moments are corrected). */
export function smoothed(points: readonly LossPoint[]): number[] {
  const span = Math.max(1, points.length / 50)
  const decay = 1 - 1 / span
  let sum = 0
  let weight = 0
  return points.map(({ loss }) => {
    if (Number.isFinite(loss)) {
      sum = decay * sum + (1 - decay) * loss
      weight = decay * weight + (1 - decay)
    }
    return weight > 0 ? sum / weight : loss
  })
}

function thin<T>(rows: T[]): T[] {
  if (rows.length <= MAX_POINTS) return rows
  return Array.from({ length: MAX_POINTS }, (_, i) => rows[Math.round((i * (rows.length - 1)) / (MAX_POINTS - 1))]!)
}

const LOOK = {
  width: WIDTH,
  height: HEIGHT,
  padding: 16,
  background: '#ffffff',
  config: {
    font: 'DejaVu Sans, Helvetica, Arial, sans-serif',
    title: { fontSize: 16, anchor: 'start', offset: 12 },
    axis: {
      labelFontSize: 12,
      titleFontSize: 13,
      titleFontWeight: 'normal',
      gridColor: '#e6e6e6',
      domainColor: '#888888',
    },
    legend: { labelFontSize: 12, symbolType: 'stroke', symbolSize: 300, symbolStrokeWidth: 3 },
    view: { stroke: null },
  },
} as const
