/** Which classes are taken for which: a row for each own class, a column for what came first, as an SVG or a PNG. */
import { extname } from 'node:path'
import { writeAtomically } from '../files/atomic-write.js'
import { fitText, textWidth } from './fit-text.js'
import { GREY, INK, OKABE_ITO, PALE } from './palette.js'
import { missingFonts, renderPng } from './svg.js'
import { svgText } from './svg-text.js'

export type Confusion = {
  title: string
  classes: readonly string[]
  /** counts[own][first] */
  counts: readonly (readonly number[])[]
}

const MARGIN = 24
/** Of the whole table, while cells are neither tiny nor huge. */
const SIDE = 760
const LARGEST_CELL = 64
const HEADER = 56
const KEY = 46
/** Cells smaller than this have no room for names beside them, or numbers in them. */
const NAMED_CELL = 9
const NUMBERED_CELL = 26
const LONGEST_NAME = 180
/** What is right and what is not differ in hue as well as in their place: the diagonal. */
const RIGHT = OKABE_ITO.blue
const WRONG = OKABE_ITO.vermilion

/** The darker a cell, the larger its share of its row; numbers are these shares in percent. */
export function confusionSvg({ title, classes, counts }: Confusion): string {
  const n = classes.length
  const cell = Math.min(LARGEST_CELL, Math.max(1, Math.floor(SIDE / n)))
  const size = Math.min(13, Math.max(7, cell - 2))
  const isNamed = cell >= NAMED_CELL
  const room = isNamed ? Math.min(LONGEST_NAME, Math.max(...classes.map((name) => textWidth(name, size)))) + 10 : 8
  const [left, top, side] = [MARGIN + 20 + room, MARGIN + HEADER + room, n * cell]
  const [width, height] = [Math.max(left + side + MARGIN, 560), top + side + KEY + MARGIN]
  const names = (at: (i: number) => string) => (isNamed ? classes.map((_, i) => at(i)) : [])
  const middle = (i: number) => i * cell + cell / 2 + size / 3
  const cells = counts.flatMap((row, own) => drawRow(row, own, { left, top, cell }))
  const parts = [
    svgText(title, { x: MARGIN, y: MARGIN + 16, size: 16, colour: INK, weight: 'bold' }),
    svgText('class that comes first', { x: left, y: MARGIN + 44, size: 12 }),
    `<g transform="translate(${MARGIN + 8} ${top + side}) rotate(-90)">${svgText('own class', { x: 0, y: 0, size: 12 })}</g>`,
    ...names((i) =>
      svgText(fitText(classes[i]!, LONGEST_NAME, size), {
        x: left - 6,
        y: top + middle(i),
        size,
        colour: INK,
        anchor: 'end',
      }),
    ),
    ...names(
      (i) =>
        `<g transform="translate(${left + middle(i)} ${top - 6}) rotate(-90)">${svgText(fitText(classes[i]!, LONGEST_NAME, size), { x: 0, y: 0, size, colour: INK })}</g>`,
    ),
    `<rect x="${left - 0.5}" y="${top - 0.5}" width="${side + 1}" height="${side + 1}" fill="none" stroke="${PALE}"/>`,
    ...cells,
    ...key(left, top + side + 20),
  ]
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${Math.ceil(width)}" height="${Math.ceil(height)}">
<rect width="100%" height="100%" fill="#ffffff"/>
${parts.join('\n')}
</svg>`
}

type Place = { left: number; top: number; cell: number }

/** Cells without pictures stay white. */
function drawRow(row: readonly number[], own: number, { left, top, cell }: Place): string[] {
  const total = row.reduce((a, b) => a + b, 0)
  return row.flatMap((count, first) => {
    if (count === 0) return []
    const share = count / total
    const [x, y] = [left + first * cell, top + own * cell]
    const drawn = `<rect class="cell" x="${x}" y="${y}" width="${cell}" height="${cell}" fill="${own === first ? RIGHT : WRONG}" fill-opacity="${(0.08 + 0.92 * share).toFixed(3)}"/>`
    if (cell < NUMBERED_CELL) return [drawn]
    const look = { x: x + cell / 2, y: y + cell / 2 + 4, size: 11, anchor: 'middle' } as const
    return [drawn, svgText((100 * share).toFixed(0), { ...look, colour: share > 0.5 ? '#ffffff' : INK })]
  })
}

function key(x: number, y: number): string[] {
  const entry = (at: number, colour: string, text: string) => [
    `<rect x="${at}" y="${y}" width="14" height="14" fill="${colour}"/>`,
    svgText(text, { x: at + 20, y: y + 11, size: 12, colour: GREY }),
  ]
  return [
    ...entry(x, RIGHT, 'right'),
    ...entry(x + 80, WRONG, 'wrong'),
    ...entry(x + 170, '#ffffff', 'percent of each row'),
  ]
}

/**
 * An SVG where the path ends in .svg, else a PNG.
 * @returns what this machine lacks to draw the names, as a sentence; nothing when all is there
 * @throws ClipwrightError ERR_IO
 */
export async function writeConfusionPicture(path: string, confusion: Confusion): Promise<string | undefined> {
  const svg = confusionSvg(confusion)
  const isSvg = extname(path).toLowerCase() === '.svg'
  const content = isSvg ? svg : await renderPng(svg)
  await writeAtomically(path, (file) => file.writeFile(content))
  return isSvg ? undefined : missingFonts(confusion.classes)
}
