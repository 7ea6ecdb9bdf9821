/** One picture that shows what a model finds: each query sentence with its best pictures, the right ones framed. */
import { ClipwrightError } from '../base/errors.js'
import { escapeXml, FONT, fitText, renderPng } from './svg.js'

export type QueryResult = {
  query: string
  /** Best first: encoded pictures (PNG, JPEG, SVG…) with their similarity; `hit` marks what was looked for. */
  pictures: { image: Buffer | string; score: number; hit: boolean }[]
}

export type ResultsPictureOptions = {
  title?: string
  subtitle?: string /** Side of a picture in pixels. */
  thumbnail?: number
}

const MARGIN = 24
const GAP = 12
const CAPTION = 30
const SCORE = 20
const HIT = '#2e9e4f'
const MISS = '#d8d8d8'

/**
 * @returns an encoded PNG
 * @throws ClipwrightError ERR_INVALID_ARGUMENT without any query, ERR_IMAGE when a picture cannot be decoded
 */
export async function resultsPicture(results: readonly QueryResult[], o: ResultsPictureOptions = {}): Promise<Buffer> {
  if (results.length === 0) {
    throw new ClipwrightError('ERR_INVALID_ARGUMENT', 'resultsPicture expects at least one query, got none.')
  }
  const side = o.thumbnail ?? 96
  const columns = Math.max(1, ...results.map((r) => r.pictures.length))
  const width = Math.max(560, 2 * MARGIN + columns * side + (columns - 1) * GAP)
  const header = o.title ? (o.subtitle ? 68 : 44) : 0
  const rowHeight = CAPTION + side + SCORE + GAP
  const height = 2 * MARGIN + header + results.length * rowHeight - GAP
  const rows = await Promise.all(
    results.map((result, i) => drawRow(result, MARGIN + header + i * rowHeight, side, width - 2 * MARGIN)),
  )
  return renderPng(
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}">
<rect width="100%" height="100%" fill="#ffffff"/>
${o.title ? `<text x="${MARGIN}" y="${MARGIN + 20}" ${FONT} font-size="20" font-weight="bold" fill="#222222">${escapeXml(o.title)}</text>` : ''}
${o.title && o.subtitle ? `<text x="${MARGIN}" y="${MARGIN + 44}" ${FONT} font-size="13" fill="#666666">${escapeXml(o.subtitle)}</text>` : ''}
${rows.join('\n')}
</svg>`,
  )
}

async function drawRow(result: QueryResult, top: number, side: number, width: number): Promise<string> {
  const pictures = await Promise.all(
    result.pictures.map(async ({ image, score, hit }, i) => {
      const x = MARGIN + i * (side + GAP)
      const y = top + CAPTION
      const pixels = await thumbnail(image, side)
      const label = `${hit ? '✓ ' : ''}${score.toFixed(2)}`
      return `<rect x="${x - 3}" y="${y - 3}" width="${side + 6}" height="${side + 6}" rx="6" fill="#ffffff" stroke="${hit ? HIT : MISS}" stroke-width="${hit ? 4 : 1}"/>
<image x="${x}" y="${y}" width="${side}" height="${side}" href="data:image/png;base64,${pixels.toString('base64')}"/>
<text x="${x + side / 2}" y="${y + side + SCORE - 2}" ${FONT} font-size="12" text-anchor="middle" fill="${hit ? HIT : '#888888'}">${label}</text>`
    }),
  )
  const query = fitText(`“${result.query}”`, width, 15)
  return `<text x="${MARGIN}" y="${top + 18}" ${FONT} font-size="15" fill="#222222">${escapeXml(query)}</text>
${pictures.join('\n')}`
}

/** A whole picture, turned as its EXIF says, in a white square, twice as fine as `side` asks. @throws ClipwrightError ERR_IMAGE */
export async function thumbnail(image: Buffer | string, side: number, where = 'resultsPicture'): Promise<Buffer> {
  const { default: sharp } = await import('sharp')
  try {
    return await sharp(image, { autoOrient: true })
      .resize(2 * side, 2 * side, { fit: 'contain', background: '#ffffff' })
      .flatten({ background: '#ffffff' })
      .png()
      .toBuffer()
  } catch (cause) {
    const name = typeof image === 'string' ? image : `a buffer of ${image.length} bytes`
    throw new ClipwrightError('ERR_IMAGE', `${where} cannot decode ${name}: ${(cause as Error).message}.`, {
      cause,
    })
  }
}
