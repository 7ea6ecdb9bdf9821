/** A picture of a prediction: each photo beside its captions, most probable first, with bars as long as probabilities. */
import { ClipwrightError } from '../base/errors.js'
import { thumbnail } from './results-picture.js'
import { escapeXml, FONT, fitText, renderPng } from './svg.js'

export type PredictionRow = {
  /** A path or an encoded picture. */
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
const LINE = 46
const FIRST = '#2e9e4f'
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
  for (const row of rows) {
    drawn.push(await drawRow(row, top))
    top += Math.max(SIDE, row.results.length * LINE) + MARGIN
  }
  return renderPng(
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${top}">
<rect width="100%" height="100%" fill="#ffffff"/>
${drawn.join('\n')}
</svg>`,
  )
}

async function drawRow({ image, results }: PredictionRow, top: number): Promise<string> {
  const pixels = await thumbnail(image, SIDE, 'predictionPicture')
  const captions = results.map(({ text, probability }, i) => {
    const y = top + i * LINE
    const percent = `${(100 * probability).toFixed(1)} %`
    return `<text x="${TEXT_LEFT}" y="${y + 16}" ${FONT} font-size="15" fill="#222222">${escapeXml(fitText(text, BAR + PERCENT, 15))}</text>
<rect x="${TEXT_LEFT}" y="${y + 23}" width="${BAR}" height="10" rx="5" fill="#eeeeee"/>
<rect x="${TEXT_LEFT}" y="${y + 23}" width="${Math.max(BAR * probability, 2).toFixed(1)}" height="10" rx="5" fill="${i === 0 ? FIRST : OTHER}"/>
<text x="${TEXT_LEFT + BAR + PERCENT}" y="${y + 33}" ${FONT} font-size="13" text-anchor="end" fill="#666666">${percent}</text>`
  })
  return `<image x="${MARGIN}" y="${top}" width="${SIDE}" height="${SIDE}" href="data:image/png;base64,${pixels.toString('base64')}"/>
${captions.join('\n')}`
}
