/** A picture of a prediction: each photo beside its captions, most probable first, with bars as long as probabilities. */
import { basename } from 'node:path'
import { ClipwrightError } from '../base/errors.js'
import { wrapText } from './fit-text.js'
import { INK, OKABE_ITO, PALE } from './palette.js'
import { thumbnail } from './results-picture.js'
import { renderPng } from './svg.js'
import { svgText } from './svg-text.js'

export type PredictionRow = {
  /** A path, whose file name is written below the picture, or an encoded picture. */
  image: Buffer | string
  /** Most probable first. */
  results: readonly { text: string; probability: number }[]
}

const MARGIN = 24
const SIDE = 280
const TEXT_LEFT = MARGIN + SIDE + 28
const BAR = 420
const PERCENT = 72
const WIDTH = TEXT_LEFT + BAR + PERCENT + MARGIN
const TEXT = { size: 15, line: 19, most: 6 } as const
const NAME = { size: 12, line: 16, most: 3 } as const
/** The most probable is not the right one: nobody has said which that is. So no bar is green, and none is red. */
const FIRST = OKABE_ITO.blue
const OTHER = '#9ecae1'

/**
 * @returns an encoded PNG
 * @throws ClipwrightError ERR_INVALID_ARGUMENT without any picture, ERR_IMAGE when one cannot be decoded
 */
export async function predictionPicture(rows: readonly PredictionRow[]): Promise<Buffer> {
  if (rows.length === 0) {
    throw new ClipwrightError('ERR_INVALID_ARGUMENT', 'predictionPicture expects at least one picture, got none.')
  }
  let top = MARGIN
  const drawn: string[] = []
  for (const { image, results } of rows) {
    const [left, right] = [await drawPicture(image, top), drawResults(results, top)]
    drawn.push(left.svg, right.svg)
    top += Math.max(left.height, right.height) + MARGIN
  }
  return renderPng(
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${top}">
<rect width="100%" height="100%" fill="#ffffff"/>
${drawn.join('\n')}
</svg>`,
  )
}

type Drawn = { svg: string; height: number }

/** In a frame, which shows where a picture on white ends. */
async function drawPicture(image: Buffer | string, top: number): Promise<Drawn> {
  const pixels = await thumbnail(image, SIDE, 'predictionPicture')
  const name = typeof image === 'string' ? wrapText(basename(image), SIDE, NAME.size, NAME.most) : []
  const svg = `<image x="${MARGIN}" y="${top}" width="${SIDE}" height="${SIDE}" href="data:image/png;base64,${pixels.toString('base64')}"/>
<rect x="${MARGIN - 0.5}" y="${top - 0.5}" width="${SIDE + 1}" height="${SIDE + 1}" fill="none" stroke="${PALE}"/>
${svgText(name, { x: MARGIN + SIDE / 2, y: top + SIDE + 18, ...NAME, anchor: 'middle' })}`
  return { svg, height: SIDE + (name.length > 0 ? 8 + name.length * NAME.line : 0) }
}

function drawResults(results: PredictionRow['results'], top: number): Drawn {
  let y = top
  const captions = results.map(({ text, probability }, i) => {
    const lines = wrapText(text, BAR + PERCENT, TEXT.size, TEXT.most)
    const words = svgText(lines, { x: TEXT_LEFT, y: y + 16, ...TEXT, colour: INK })
    const bar = y + 23 + (lines.length - 1) * TEXT.line
    y = bar + 23
    return `${words}
<rect x="${TEXT_LEFT}" y="${bar}" width="${BAR}" height="10" rx="5" fill="#eeeeee"/>
<rect x="${TEXT_LEFT}" y="${bar}" width="${Math.max(BAR * probability, 2).toFixed(1)}" height="10" rx="5" fill="${i === 0 ? FIRST : OTHER}"/>
${svgText(`${(100 * probability).toFixed(1)} %`, { x: TEXT_LEFT + BAR + PERCENT, y: bar + 10, size: 13, anchor: 'end' })}`
  })
  return { svg: captions.join('\n'), height: y - top }
}
