/** One picture that shows what a model finds: each query sentence with its best pictures, the right ones framed. */
import { basename } from 'node:path'
import { ClipwrightError } from '../base/errors.js'
import { show } from '../base/options.js'
import { wrapText } from './fit-text.js'
import { INK, OKABE_ITO, PALE } from './palette.js'
import { renderPng } from './svg.js'
import { svgText } from './svg-text.js'

/** A picture that was found. */
export type FoundPicture = {
  /** A path or an encoded picture (PNG, JPEG, SVG…). */
  image: Buffer | string
  /** Written below the picture; by default the file's name where `image` is a path. */
  name?: string
  score: number
  /** Whether this was looked for. */
  hit: boolean
}

/** A sentence, and what was found for it. */
export type QueryResult = {
  query: string
  /** Best first. */
  pictures: FoundPicture[]
}

/** What stands above the pictures, and how large they are. */
export type ResultsPictureOptions = {
  title?: string
  subtitle?: string
  /** Side of a picture in pixels. */
  thumbnail?: number
}

const MARGIN = 24
const GAP = 12
const ROW_GAP = 18
const TITLE = { size: 20, line: 26, most: 2 } as const
const SUBTITLE = { size: 13, line: 18, most: 3 } as const
const QUERY = { size: 15, line: 19, most: 3 } as const
const SCORE = 20
const NAME = { size: 10, line: 13, most: 3 } as const
/** Not told by colour alone: it is bold and has a tick. */
const HIT = OKABE_ITO.green

/** What has been drawn from some `top` on, and how high it is. */
type Drawn = { svg: string; height: number }

/**
 * @returns an encoded PNG
 * @throws ClipwrightError ERR_INVALID_ARGUMENT without any query, ERR_IMAGE when a picture cannot be decoded
 */
export async function resultsPicture(results: readonly QueryResult[], o: ResultsPictureOptions = {}): Promise<Buffer> {
  if (!Array.isArray(results) || results.length === 0) {
    const got = Array.isArray(results) ? 'none' : show(results)
    throw new ClipwrightError(
      'ERR_INVALID_ARGUMENT',
      `resultsPicture expects a list of at least one query, got ${got}.`,
    )
  }
  const side = o.thumbnail ?? 96
  const columns = Math.max(1, ...results.map((r) => r.pictures.length))
  const width = Math.max(560, 2 * MARGIN + columns * side + (columns - 1) * GAP)
  const header = drawHeader(o, width - 2 * MARGIN)
  let top = MARGIN + header.height
  const rows: string[] = []
  for (const result of results) {
    const row = await drawRow(result, top, side, width - 2 * MARGIN)
    rows.push(row.svg)
    top += row.height + ROW_GAP
  }
  return renderPng(
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${top - ROW_GAP + MARGIN}">
<rect width="100%" height="100%" fill="#ffffff"/>
${header.svg}
${rows.join('\n')}
</svg>`,
  )
}

function drawHeader({ title, subtitle }: ResultsPictureOptions, width: number): Drawn {
  if (!title) return { svg: '', height: 0 }
  const heading = wrapText(title, width, TITLE.size, TITLE.most)
  const below = subtitle ? wrapText(subtitle, width, SUBTITLE.size, SUBTITLE.most) : []
  const under = heading.length * TITLE.line
  return {
    svg: [
      svgText(heading, { x: MARGIN, y: MARGIN + 20, ...TITLE, colour: INK, weight: 'bold' }),
      svgText(below, { x: MARGIN, y: MARGIN + under + 16, ...SUBTITLE }),
    ].join('\n'),
    height: under + below.length * SUBTITLE.line + ROW_GAP,
  }
}

async function drawRow({ query, pictures }: QueryResult, top: number, side: number, width: number): Promise<Drawn> {
  const lines = wrapText(`“${query}”`, width, QUERY.size, QUERY.most)
  const words = lines.length * QUERY.line + 10
  const drawn = await Promise.all(
    pictures.map((picture, i) => drawPicture(picture, MARGIN + i * (side + GAP), top + words, side)),
  )
  return {
    svg: [svgText(lines, { x: MARGIN, y: top + 15, ...QUERY, colour: INK }), ...drawn.map(({ svg }) => svg)].join('\n'),
    height: words + Math.max(0, ...drawn.map(({ height }) => height)),
  }
}

async function drawPicture(picture: FoundPicture, x: number, y: number, side: number): Promise<Drawn> {
  const { image, score, hit, name = typeof image === 'string' ? basename(image) : undefined } = picture
  const pixels = await thumbnail(image, side)
  const middle = { x: x + side / 2, anchor: 'middle' } as const
  const names = name === undefined ? [] : wrapText(name, side + GAP - 4, NAME.size, NAME.most)
  const label = `${hit ? '✓ ' : ''}${score.toFixed(2)}`
  const svg = `<rect x="${x - 3}" y="${y - 3}" width="${side + 6}" height="${side + 6}" rx="6" fill="#ffffff" stroke="${hit ? HIT : PALE}" stroke-width="${hit ? 4 : 1}"/>
<image x="${x}" y="${y}" width="${side}" height="${side}" href="data:image/png;base64,${pixels.toString('base64')}"/>
${svgText(label, { ...middle, y: y + side + SCORE - 2, size: 12, ...(hit && { colour: HIT, weight: 'bold' }) })}
${svgText(names, { ...middle, y: y + side + SCORE + NAME.size + 1, ...NAME })}`
  return { svg, height: side + SCORE + names.length * NAME.line }
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
