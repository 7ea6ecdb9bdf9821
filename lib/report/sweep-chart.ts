/** Recall of weights between two checkpoints, a curve for each list. */
import { basename, extname } from 'node:path'
import { type Chart, type Look, type Point, reaching } from './chart.js'
import { chartSvg } from './chart-svg.js'
import { OKABE_ITO } from './palette.js'
import { writePicture } from './write-picture.js'

export type SweepCurves = {
  /** Paths of the lists, which are drawn under their files' names. */
  val: readonly string[]
  rows: readonly { alpha: number; recall: readonly { r_mean: number }[] }[]
  best: { alpha: number; mean: number }
}

const COLOURS = Object.values(OKABE_ITO)
/** Once the colours begin again. */
const DASHES = [undefined, '7 4', '2 4']

export function sweepChart({ val, rows, best }: SweepCurves): Chart {
  const names = val.map((path) => basename(path, extname(path)))
  // Two lists of one name in two folders are told apart by their paths.
  const titles = val.map((path, i) => (names.indexOf(names[i]!) === names.lastIndexOf(names[i]!) ? names[i]! : path))
  const curves = val.map((_, i) => {
    const dash = DASHES[Math.floor(i / COLOURS.length) % DASHES.length]
    const look: Look = { colour: COLOURS[i % COLOURS.length]!, width: 2.5, marker: 'disc', ...(dash && { dash }) }
    return { points: rows.map(({ alpha, recall }): Point => [alpha, recall[i]!.r_mean]), look }
  })
  const [low, high] = reaching(
    curves.flatMap(({ points }) => points.map(([, y]) => y)),
    0.1,
  )
  return {
    title: 'Recall between two checkpoints',
    x: { title: 'alpha: 0 is the first, 1 the second', domain: [0, 1] },
    y: { title: 'mean recall in percent', domain: [Math.max(0, low), high], lastTick: 100 },
    levels: [],
    curves,
    legend: curves.map(({ look }, i) => ({ text: titles[i]!, look })),
    best: { x: best.alpha, text: `best on average: alpha ${best.alpha}, ${best.mean.toFixed(1)} %` },
  }
}

/** What `writePicture` says. */
export function writeSweepPicture(path: string, sweep: SweepCurves): Promise<string | undefined> {
  return writePicture(path, chartSvg(sweepChart(sweep)), sweep.val)
}
