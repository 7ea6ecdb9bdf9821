/** What operations reach of the machine's roofs (Williams, Waterman, Patterson 2009, https://doi.org/10.1145/1498765.1498785). */
import { GREY, INK, OKABE_ITO } from './palette.js'
import { svgText } from './svg-text.js'

export type Roofline = {
  title: string
  /** What the machine reaches with products alone, and with a copy. */
  ceilings: { gflops: number; gbPerSecond: number }
  /** Those without arithmetic are not drawn: they have no place on it. */
  ops: readonly { name: string; ms: number; gflop: number; gb: number }[]
}

const PLOT = { left: 84, top: 56, width: 620, height: 360 } as const
const RIGHT = PLOT.left + PLOT.width
const BOTTOM = PLOT.top + PLOT.height
const WIDTH = RIGHT + 190
const HEIGHT = BOTTOM + 60
const GRID = '#e6e6e6'
const SMALL = 12

export function rooflineSvg({ title, ceilings, ops }: Roofline): string {
  const points = ops
    .filter(({ gflop, gb, ms }) => gflop > 0 && gb > 0 && ms > 0)
    .map(({ name, ms, gflop, gb }) => ({ name, ms, intensity: gflop / gb, gflops: (1000 * gflop) / ms }))
  const ridge = ceilings.gflops / ceilings.gbPerSecond
  const x = decades([ridge / 10, ridge * 2, ...points.map(({ intensity }) => intensity)], PLOT.left, RIGHT)
  const y = decades([ceilings.gflops / 100, ceilings.gflops * 1.2, ...points.map((p) => p.gflops)], BOTTOM, PLOT.top)
  const longest = Math.max(...points.map(({ ms }) => ms), Number.MIN_VALUE)
  const roof = (intensity: number) => Math.min(ceilings.gflops, intensity * ceilings.gbPerSecond)
  // The sloping roof begins where it crosses the plot's lower edge, if it does.
  const start = Math.max(x.low, y.low / ceilings.gbPerSecond)
  const parts = [
    svgText(title, { x: PLOT.left, y: 28, size: 16, colour: INK, weight: 'bold' }),
    ...x.ticks.flatMap((value) => [
      `<path d="M${x.at(value)} ${PLOT.top}V${BOTTOM}" stroke="${GRID}"/>`,
      svgText(String(value), { x: x.at(value), y: BOTTOM + 20, size: SMALL, anchor: 'middle' }),
    ]),
    ...y.ticks.flatMap((value) => [
      `<path d="M${PLOT.left} ${y.at(value)}H${RIGHT}" stroke="${GRID}"/>`,
      svgText(String(value), { x: PLOT.left - 9, y: y.at(value) + 4, size: SMALL, anchor: 'end' }),
    ]),
    svgText('floating-point operations per byte', {
      x: PLOT.left + PLOT.width / 2,
      y: BOTTOM + 44,
      size: 13,
      anchor: 'middle',
    }),
    `<g transform="translate(24 ${PLOT.top + PLOT.height / 2}) rotate(-90)">${svgText('GFLOP/s', { x: 0, y: 0, size: 13, anchor: 'middle' })}</g>`,
    `<path class="roof" d="M${x.at(start)} ${y.at(roof(start))}L${x.at(ridge)} ${y.at(ceilings.gflops)}H${RIGHT}" fill="none" stroke="${OKABE_ITO.vermilion}" stroke-width="2"/>`,
    svgText([`${ceilings.gflops.toFixed(0)} GFLOP/s`, `${ceilings.gbPerSecond.toFixed(0)} GB/s`], {
      x: RIGHT + 8,
      y: y.at(ceilings.gflops) + 4,
      size: SMALL,
      colour: OKABE_ITO.vermilion,
      line: 16,
    }),
    ...points.flatMap(({ name, ms, intensity, gflops }) => {
      const [cx, cy, r] = [x.at(intensity), y.at(gflops), Math.round(30 + 170 * Math.sqrt(ms / longest)) / 10]
      return [
        `<circle class="op" cx="${cx}" cy="${cy}" r="${r}" fill="${OKABE_ITO.blue}" fill-opacity="0.6"/>`,
        svgText(name, { x: cx + r + 4, y: cy + 4, size: SMALL, colour: INK }),
      ]
    }),
    `<path d="M${PLOT.left} ${PLOT.top}V${BOTTOM}H${RIGHT}" fill="none" stroke="${GREY}"/>`,
  ]
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${HEIGHT}">
<rect width="100%" height="100%" fill="#ffffff"/>
${parts.join('\n')}
</svg>`
}

/** A logarithmic axis over whole decades. */
function decades(values: readonly number[], from: number, to: number) {
  const [first, last] = [Math.floor(Math.log10(Math.min(...values))), Math.ceil(Math.log10(Math.max(...values)))]
  const at = (value: number) =>
    Math.round(10 * (from + ((Math.log10(value) - first) / Math.max(last - first, 1)) * (to - from))) / 10
  return { low: 10 ** first, at, ticks: Array.from({ length: last - first + 1 }, (_, i) => 10 ** (first + i)) }
}
