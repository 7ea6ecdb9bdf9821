/** A chart as SVG. All charts have their axes at the same place, so that two of one run can be laid over each other. */
import { type Axis, axisTicks, type Chart, type Curve, type Look } from './chart.js'
import { fitText, textWidth } from './fit-text.js'
import { GREY, INK } from './palette.js'
import { svgText } from './svg-text.js'

const PLOT = { left: 76, top: 64, width: 720, height: 360 } as const
const RIGHT = PLOT.left + PLOT.width
const BOTTOM = PLOT.top + PLOT.height
const LEGEND = { left: RIGHT + 24, key: 30, gap: 10, text: 190, line: 24 } as const
const WIDTH = LEGEND.left + LEGEND.key + LEGEND.gap + LEGEND.text + 12
const HEIGHT = BOTTOM + 60
const GRID = '#e6e6e6'
const TICK = 5
const SMALL = 12
/** More would touch each other and hide the line. */
const MOST_MARKERS = 240

/** Puts a value of an axis at its pixel. */
type Scale = (value: number) => number

export function chartSvg(chart: Chart): string {
  const x = scale(chart.x, PLOT.left, RIGHT)
  const y = scale(chart.y, BOTTOM, PLOT.top)
  const parts = [
    svgText(chart.title, { x: PLOT.left, y: 28, size: 16, colour: INK, weight: 'bold' }),
    ...yAxis(chart.y, y),
    ...xAxis(chart.x, x),
    ...(chart.best ? bestLine(chart.best, x) : []),
    ...chart.levels.map((l) => `<path class="level" d="M${PLOT.left} ${round(y(l.y))}H${RIGHT}" ${stroke(l.look)}/>`),
    ...chart.curves.flatMap((curve) => drawCurve(curve, x, y)),
    `<path d="M${PLOT.left} ${PLOT.top}V${BOTTOM}H${RIGHT}" fill="none" stroke="${GREY}"/>`,
    ...chart.legend.flatMap(legendEntry),
  ]
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${HEIGHT}">
<rect width="100%" height="100%" fill="#ffffff"/>
${parts.join('\n')}
</svg>`
}

function scale({ domain: [low, high] }: Axis, from: number, to: number): Scale {
  return (value) => from + ((value - low) / (high - low)) * (to - from)
}

/** The axis of y, with a line across the plot at each tick. */
function yAxis(axis: Axis, at: Scale): string[] {
  const middle = PLOT.top + PLOT.height / 2
  return [
    ...axisTicks(axis, 7).flatMap(({ value, text: label }) => {
      const y = round(at(value))
      return [
        `<path d="M${PLOT.left} ${y}H${RIGHT}" stroke="${GRID}"/>`,
        `<path class="y-tick" d="M${PLOT.left - TICK} ${y}H${PLOT.left}" stroke="${GREY}"/>`,
        svgText(label, { size: SMALL, x: PLOT.left - TICK - 4, y: y + 4, anchor: 'end' }),
      ]
    }),
    `<g transform="translate(22 ${middle}) rotate(-90)">${svgText(axis.title, { x: 0, y: 0, size: 13, colour: INK, anchor: 'middle' })}</g>`,
  ]
}

function xAxis(axis: Axis, at: Scale): string[] {
  return [
    ...axisTicks(axis, 9).flatMap(({ value, text: label }) => {
      const x = round(at(value))
      return [
        `<path d="M${x} ${PLOT.top}V${BOTTOM}" stroke="${GRID}"/>`,
        `<path class="x-tick" d="M${x} ${BOTTOM}V${BOTTOM + TICK}" stroke="${GREY}"/>`,
        svgText(label, { size: SMALL, x, y: BOTTOM + 20, anchor: 'middle' }),
      ]
    }),
    svgText(axis.title, { x: PLOT.left + PLOT.width / 2, y: BOTTOM + 44, size: 13, colour: INK, anchor: 'middle' }),
  ]
}

/** Its text is above the plot, where no curve is, and within its width. */
function bestLine({ x, text: label }: NonNullable<Chart['best']>, at: Scale): string[] {
  const half = textWidth(label, SMALL) / 2
  const middle = Math.min(Math.max(at(x), PLOT.left + half), RIGHT - half)
  return [
    `<path class="best" d="M${round(at(x))} ${PLOT.top - 6}V${BOTTOM}" stroke="${INK}" stroke-width="1.2"/>`,
    svgText(label, { size: SMALL, x: round(middle), y: PLOT.top - 11, colour: INK, anchor: 'middle' }),
  ]
}

function drawCurve({ points, look }: Curve, x: Scale, y: Scale): string[] {
  let d = ''
  let isDrawing = false
  const placed: [number, number][] = []
  for (const point of points) {
    const isValue = Number.isFinite(point[1])
    if (isValue) {
      const at: [number, number] = [round(x(point[0])), round(y(point[1]))]
      d += `${isDrawing ? 'L' : 'M'}${at[0]} ${at[1]}`
      placed.push(at)
    }
    isDrawing = isValue
  }
  const radius = Math.max(1.5, Math.min(4, PLOT.width / (5 * placed.length)))
  const isMarked = look.marker && placed.length <= MOST_MARKERS
  return [
    ...(placed.length > 1 ? [`<path class="curve" d="${d}" ${stroke(look)} stroke-linejoin="round"/>`] : []),
    ...(isMarked ? placed.map(([cx, cy]) => marker(look, cx, cy, radius)) : []),
  ]
}

function marker({ marker: kind, colour }: Look, cx: number, cy: number, r: number): string {
  const fill = kind === 'ring' ? '#ffffff' : colour
  return `<circle class="marker" cx="${cx}" cy="${cy}" r="${round(r)}" fill="${fill}" stroke="${colour}" stroke-width="${r > 2 ? 1.5 : 1}"/>`
}

function legendEntry({ text: label, look }: Chart['legend'][number], i: number): string[] {
  const y = PLOT.top + 10 + i * LEGEND.line
  const end = LEGEND.left + LEGEND.key
  return [
    `<path class="key" d="M${LEGEND.left} ${y}H${end}" ${stroke(look)}/>`,
    ...(look.marker ? [marker(look, LEGEND.left + LEGEND.key / 2, y, 4)] : []),
    svgText(fitText(label, LEGEND.text, SMALL), { size: SMALL, x: end + LEGEND.gap, y: y + 4, colour: INK }),
  ]
}

function stroke({ colour, width, opacity, dash }: Look): string {
  return `fill="none" stroke="${colour}" stroke-width="${width}"${opacity ? ` stroke-opacity="${opacity}"` : ''}${dash ? ` stroke-dasharray="${dash}"` : ''}`
}

/** A tenth of a pixel is a fifth of what is drawn. */
const round = (value: number) => Math.round(10 * value) / 10
