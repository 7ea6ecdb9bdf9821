/** What was found in data, as an SVG or a PNG: lengths of captions, and a line for each finding. */
import { extname } from 'node:path'
import { writeAtomically } from '../files/atomic-write.js'
import { GREY, INK, OKABE_ITO, PALE } from './palette.js'
import { renderPng } from './svg.js'
import { svgText } from './svg-text.js'

export type DataFindings = {
  title: string
  /** Captions by their tokens; the last stands for all that are longer than the context. */
  counts: readonly number[]
  contextLength: number
  /** What was counted, how often, out of how many. */
  findings: readonly { name: string; count: number; of: number }[]
}

const WIDTH = 760
const MARGIN = 32
const BARS = { top: 84, height: 180 } as const
const ROW = 26

export function dataSvg({ title, counts, contextLength, findings }: DataFindings): string {
  const width = (WIDTH - 2 * MARGIN) / counts.length
  const most = Math.max(1, ...counts)
  const bottom = BARS.top + BARS.height
  const bars = counts.map((count, i) => {
    const height = (BARS.height * count) / most
    const colour = i > contextLength ? OKABE_ITO.vermilion : OKABE_ITO.blue
    return `<rect x="${round(MARGIN + i * width)}" y="${round(bottom - height)}" width="${round(Math.max(0.5, width - 1))}" height="${round(height)}" fill="${colour}"/>`
  })
  const top = bottom + 64
  const rows = findings.flatMap(({ name, count, of }, i) => {
    const y = top + i * ROW
    const share = of === 0 ? 0 : count / of
    return [
      svgText(name, { x: MARGIN, y, size: 13, colour: INK }),
      svgText(`${count} of ${of}`, { x: WIDTH - MARGIN, y, size: 13, colour: INK, anchor: 'end' }),
      `<rect x="310" y="${y - 11}" width="240" height="12" fill="none" stroke="${PALE}"/>`,
      `<rect x="310" y="${y - 11}" width="${round(240 * Math.min(1, share))}" height="12" fill="${OKABE_ITO.vermilion}"/>`,
    ]
  })
  const parts = [
    svgText(title, { x: MARGIN, y: 34, size: 16, colour: INK, weight: 'bold' }),
    svgText(`captions by their tokens; the context has ${contextLength}, the last bar stands for all that are longer`, {
      x: MARGIN,
      y: 60,
      size: 12,
    }),
    ...bars,
    `<path d="M${MARGIN} ${bottom}H${WIDTH - MARGIN}" stroke="${GREY}"/>`,
    svgText('0', { x: MARGIN, y: bottom + 18, size: 12 }),
    svgText(String(contextLength), { x: WIDTH - MARGIN - width, y: bottom + 18, size: 12, anchor: 'end' }),
    ...rows,
  ]
  const height = top + findings.length * ROW + MARGIN
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}">
<rect width="100%" height="100%" fill="#ffffff"/>
${parts.join('\n')}
</svg>`
}

/** @throws ClipwrightError ERR_IO */
export async function writeDataPicture(path: string, findings: DataFindings): Promise<void> {
  const svg = dataSvg(findings)
  const content = extname(path).toLowerCase() === '.svg' ? svg : await renderPng(svg)
  await writeAtomically(path, (file) => file.writeFile(content))
}

function round(x: number): number {
  return Math.round(100 * x) / 100
}
