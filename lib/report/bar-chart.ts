/** Bars that lie below each other, each with its name at its left and its figure at its right. */
import { fitText } from './fit-text.js'
import { GREY, INK } from './palette.js'
import { svgText } from './svg-text.js'

export type Bar = {
  label: string
  /** 0 or more. */
  value: number
  /** What stands behind the bar. */
  text: string
  colour: string
  /** How much of the bar is drawn in full; the rest is pale. All by default. */
  solid?: number
}

export type BarChart = {
  title: string
  /** What the length says, below the bars. */
  caption: string
  bars: readonly Bar[]
  /** An upright line to compare with, and what it is. */
  level?: { value: number; text: string }
}

const LABEL = { left: 12, width: 300 } as const
const PLOT = { left: LABEL.left + LABEL.width + 12, top: 66, width: 420 } as const
const TEXT_WIDTH = 290
const ROW = 26
const THICK = 16
const SMALL = 12
const WIDTH = PLOT.left + PLOT.width + TEXT_WIDTH

export function barChartSvg({ title, caption, bars, level }: BarChart): string {
  const longest = Math.max(...bars.map(({ value }) => value), level?.value ?? 0, Number.MIN_VALUE)
  const at = (value: number) => round((value / longest) * PLOT.width)
  const bottom = PLOT.top + bars.length * ROW
  const parts = [
    svgText(title, { x: LABEL.left, y: 28, size: 16, colour: INK, weight: 'bold' }),
    ...bars.flatMap((bar, i) => row(bar, PLOT.top + i * ROW, at)),
    `<path d="M${PLOT.left} ${PLOT.top - 4}V${bottom}" stroke="${GREY}"/>`,
    ...(level ? levelLine(level, PLOT.left + at(level.value), bottom) : []),
    svgText(caption, { x: LABEL.left, y: bottom + 26, size: 13 }),
  ]
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${bottom + 44}">
<rect width="100%" height="100%" fill="#ffffff"/>
${parts.join('\n')}
</svg>`
}

function row({ label, value, text, colour, solid = value }: Bar, y: number, at: (value: number) => number): string[] {
  const middle = y + THICK - 3
  const rect = (kind: string, length: number, opacity: number) =>
    `<rect class="${kind}" x="${PLOT.left}" y="${y}" width="${length}" height="${THICK}" fill="${colour}" fill-opacity="${opacity}"/>`
  return [
    svgText(fitText(label, LABEL.width, SMALL), {
      x: PLOT.left - 10,
      y: middle,
      size: SMALL,
      colour: INK,
      anchor: 'end',
    }),
    ...(solid < value ? [rect('pale', at(value), 0.3)] : []),
    rect('bar', at(Math.min(solid, value)), 1),
    svgText(fitText(text, TEXT_WIDTH - 16, SMALL), { x: PLOT.left + at(value) + 8, y: middle, size: SMALL }),
  ]
}

function levelLine({ text }: { text: string }, x: number, bottom: number): string[] {
  return [
    `<path class="level" d="M${x} ${PLOT.top - 8}V${bottom}" stroke="${INK}" stroke-dasharray="5 4"/>`,
    svgText(text, { x, y: PLOT.top - 12, size: SMALL, anchor: 'middle' }),
  ]
}

const round = (value: number) => Math.round(10 * value) / 10
