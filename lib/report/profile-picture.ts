/** A profile as a picture: the time of each operation, and how much of it the machine needs at least. */
import { type BarChart, barChartSvg } from './bar-chart.js'
import { OKABE_ITO } from './palette.js'
import { writePicture } from './write-picture.js'

export type DrawnProfile = {
  stepMs: number
  ops: readonly { name: string; ms: number; share: number; gflop: number; ofCeiling?: number }[]
}

export function profileChart(title: string, { stepMs, ops }: DrawnProfile): BarChart {
  const percent = (x: number) => `${(100 * x).toFixed(x < 0.1 ? 1 : 0)} %`
  return {
    title,
    caption: `time of ${stepMs.toFixed(0)} ms a step; in full what the machine needs for it at least`,
    bars: ops.map(({ name, ms, share, gflop, ofCeiling }) => ({
      label: name,
      value: ms,
      text: `${ms.toFixed(1)} ms, ${percent(share)}${ofCeiling === undefined ? '' : `, ${percent(ofCeiling)} of the ceiling`}`,
      colour: gflop > 0 ? OKABE_ITO.blue : OKABE_ITO.green,
      ...(ofCeiling !== undefined && { solid: Math.min(ofCeiling, 1) * ms }),
    })),
  }
}

/** What `writePicture` says. */
export function writeProfilePicture(path: string, title: string, profile: DrawnProfile): Promise<string | undefined> {
  return writePicture(path, barChartSvg(profileChart(title, profile)), [title])
}
