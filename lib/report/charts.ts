/** Curves of a training run as charts: which points they go through, and what they look like. */
import { type Axis, type Chart, type Curve, type Look, type Point, reaching } from './chart.js'
import type { LossPoint } from './loss-curve.js'
import { GREY, INK, OKABE_ITO } from './palette.js'
import { savitzkyGolay } from './savitzky-golay.js'

export type EpochPoint = { epoch: number; loss: number; validation?: number }
/** Recall in percent under the names of `RecallTable`, and what chance reaches where that is known. */
export type EvalPoint = { step: number; loss: number; recall: Record<string, number>; chance?: Record<string, number> }
/** A level to compare with, as the legend calls it. */
export type NamedLevel = { value: number; text: string }
/** `lastStep` ends the axis of steps, so that charts of one run have the same; by default the last one drawn does. */
export type StepChartOptions = { lastStep?: number }

const TRAIN = { colour: OKABE_ITO.blue, width: 2.5 } as const
const VALIDATION = { colour: OKABE_ITO.vermilion, width: 2.5, marker: 'disc' } as const
const MEASURED = { width: 1, opacity: 0.4 } as const
const LEVEL = { colour: GREY, width: 1.5, dash: '7 5' } as const

/**
 * Training loss by step, thin as measured and bold smoothed (exponential moving average over a fiftieth of the run),
 * with the validation loss where there is one, the loss of guessing and the step of the best recall.
 */
export function lossChart(
  points: readonly LossPoint[],
  evals: readonly EvalPoint[] = [],
  o: StepChartOptions & { guessing?: NamedLevel | undefined } = {},
): Chart {
  const smooth = smoothed(points)
  const curves: (Curve & { name: string })[] = [
    { name: 'train, measured', points: spread(points), look: { ...TRAIN, ...MEASURED } },
    {
      name: 'train, smoothed',
      points: points.map(({ step }, i) => [step, smooth[i]!]),
      look: points.length === 1 ? { ...TRAIN, marker: 'disc' } : TRAIN,
    },
  ]
  if (evals.length > 0) {
    curves.push({ name: 'validation', points: evals.map(({ step, loss }) => [step, loss]), look: VALIDATION })
  }
  const levels = o.guessing ? [{ y: o.guessing.value, look: LEVEL }] : []
  const heights = [...curves.flatMap((curve) => curve.points.map(([, y]) => y)), ...levels.map(({ y }) => y)]
  const best = bestOf(evals)
  return {
    title: 'Loss',
    x: stepAxis([points, evals], o),
    y: { title: 'loss', domain: reaching(heights, 0.05) },
    levels,
    curves,
    legend: [
      ...curves.map(({ name, look }) => ({ text: name, look })),
      ...(o.guessing ? [{ text: o.guessing.text, look: LEVEL }] : []),
    ],
    ...(best && { best: { x: best.step, text: `best recall: step ${best.step}` } }),
  }
}

/**
 * Losses by epoch, as measured and, from five epochs on, smoothed: Savitzky and Golay's cubic over 5 epochs, over 15
 * from 25 epochs on, as the reference draws them.
 *
 * @param points the epoch, counted from 1; validation where it was measured
 */
export function epochLossChart(points: readonly EpochPoint[]): Chart {
  const measured = (name: 'loss' | 'validation') =>
    points.flatMap((p): Point[] => (Number.isFinite(p[name]) ? [[p.epoch, p[name] as number]] : []))
  const series = [
    { name: 'train', points: measured('loss'), colour: TRAIN.colour },
    { name: 'validation', points: measured('validation'), colour: VALIDATION.colour },
  ].filter((curve) => curve.points.length > 0)
  const curves = series.flatMap(({ name, points: all, colour }) => {
    const look: Look = { colour, width: 1.5, marker: 'disc' }
    const smooth = smoothedByEpoch(all.map(([, loss]) => loss))
    const line = { name: `${name}, smoothed`, points: smooth.map((loss, i): Point => [all[i]![0], loss]) }
    return [
      { name, points: all, look },
      ...(smooth.length > 0 ? [{ ...line, look: { colour, width: 2.5, dash: '7 4' } }] : []),
    ]
  })
  const epochs = points.map(({ epoch }) => epoch)
  return {
    title: 'Loss by epoch',
    x: { title: 'epoch', domain: reaching(epochs, 0.02), whole: true },
    y: {
      title: 'loss',
      domain: reaching(
        curves.flatMap((curve) => curve.points.map(([, y]) => y)),
        0.05,
      ),
    },
    levels: [],
    curves,
    legend: curves.map(({ name, look }) => ({ text: name, look })),
  }
}

/** Nothing where there are fewer values than a window. */
function smoothedByEpoch(losses: readonly number[]): number[] {
  const window = losses.length < 25 ? 5 : 15
  return losses.length < window ? [] : savitzkyGolay(losses, window, 3)
}

const DIRECTIONS = {
  txt: { text: 'image → text', look: { width: 2.5, marker: 'disc' } },
  img: { text: 'text → image', look: { width: 2, marker: 'ring', dash: '7 4' } },
} as const
const CHANCE = { width: 1.5, dash: '2 4' } as const
const RECALL_AT = [
  { k: 10, colour: OKABE_ITO.purple },
  { k: 5, colour: OKABE_ITO.vermilion },
  { k: 1, colour: OKABE_ITO.blue },
] as const

/** What a model must not forget, as the legend calls it, and what was measured of it by step, in percent. */
export type CanaryCurve = { name: string; points: Point[] }

/** No further colour differs enough from those of recall to everybody, so dashes tell canaries apart. */
const CANARY = { colour: INK, width: 2, marker: 'ring' } as const
const CANARY_DASHES = [{}, { dash: '10 4' }, { dash: '3 3' }] as const

/** Recall at 1, 5 and 10 in both directions by step, in percent, with what chance reaches and the best mean marked, and canaries. */
export function recallChart(
  evals: readonly EvalPoint[],
  o: StepChartOptions & { canaries?: readonly CanaryCurve[] } = {},
): Chart {
  const hasEvals = evals.length > 0
  const each = (hasEvals ? RECALL_AT : []).flatMap(({ k, colour }) =>
    Object.entries(DIRECTIONS).map(([side, { look }]) => ({ name: `${side}_r${k}`, colour, look })),
  )
  const known = (o.canaries ?? []).map(({ name, points }, i) => ({
    name,
    points,
    look: { ...CANARY, ...CANARY_DASHES[i % CANARY_DASHES.length]! },
  }))
  const recalls = each.map(({ name, colour, look }) => ({
    points: evals.map(({ step, recall }): Point => [step, recall[name] ?? 0]),
    look: { ...look, colour },
  }))
  const curves = [...recalls, ...known]
  const chance = evals.findLast((e) => e.chance)?.chance
  // Both directions have nearly the same chance, or exactly: where captions and pictures are as many.
  const levels = each.flatMap(({ name, colour }) => {
    const y = chance?.[name]
    return y === undefined ? [] : [{ y, look: { ...CHANCE, colour } }]
  })
  const heights = [...curves.flatMap((curve) => curve.points.map(([, y]) => y)), ...levels.map(({ y }) => y)]
  const [, top] = reaching([0, ...heights], 0.08)
  const best = bestOf(evals)
  return {
    title: hasEvals ? 'Recall on the validation list' : 'What the model knew before',
    x: stepAxis([evals, ...known.map(({ points }) => points.map(([step]) => ({ step })))], o),
    y: { title: hasEvals ? 'recall in percent' : 'percent', domain: [0, top], lastTick: 100 },
    levels: distinct(levels),
    curves,
    legend: [
      ...(hasEvals ? RECALL_AT : []).map(({ k, colour }) => ({ text: `R@${k}`, look: { colour, width: 4 } })),
      ...(hasEvals ? Object.values(DIRECTIONS) : []).map(({ text, look }) => ({
        text,
        look: { ...look, colour: GREY },
      })),
      ...(levels.length > 0 ? [{ text: 'chance', look: { ...CHANCE, colour: GREY } }] : []),
      ...known.map(({ name, look }) => ({ text: `canary ${name}`, look })),
    ],
    ...(best && {
      best: { x: best.step, text: `best: step ${best.step}, mean recall ${best.recall.r_mean!.toFixed(1)} %` },
    }),
  }
}

const distinct = <T extends { y: number; look: { colour: string } }>(levels: T[]): T[] =>
  levels.filter((a, i) => levels.findIndex((b) => a.y === b.y && a.look.colour === b.look.colour) === i)

/** The first evaluation with the highest mean recall, which `checkpoints/best` holds. */
function bestOf(evals: readonly EvalPoint[]): EvalPoint | undefined {
  let best: EvalPoint | undefined
  for (const e of evals) {
    if (Number.isFinite(e.recall.r_mean) && !(e.recall.r_mean! <= (best?.recall.r_mean ?? -1))) best = e
  }
  return best
}

function stepAxis(drawn: readonly (readonly { step: number }[])[], { lastStep }: StepChartOptions): Axis {
  const last = lastStep ?? Math.max(0, ...drawn.map((points) => points.at(-1)?.step ?? 0))
  return { title: 'step', domain: [0, Math.max(1, last)], whole: true }
}

/** Each point's lowest and highest loss, in turns: one line goes through both. */
function spread(points: readonly LossPoint[]): Point[] {
  return points.flatMap(({ step, low, high }, i): Point[] => {
    if (low === high || Number.isNaN(low)) return [[step, low]]
    const ends: Point[] = [
      [step, low],
      [step, high],
    ]
    return i % 2 === 0 ? ends : ends.reverse()
  })
}

/** Exponential moving average, started unbiased (as Adam's moments are corrected). */
export function smoothed(points: readonly { loss: number }[]): number[] {
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
