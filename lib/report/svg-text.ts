/** Text in an SVG. */
import { GREY } from './palette.js'

export type TextLook = {
  x: number
  /** Of the first line's foot. */
  y: number
  size: number
  colour?: string
  anchor?: 'start' | 'middle' | 'end'
  weight?: 'normal' | 'bold'
  /** From one line to the next. */
  line?: number
}

/** Characters that a font lacks come from another one that has them. */
const FONTS = 'DejaVu Sans, Helvetica, Arial, sans-serif'

/** One line, or several below each other. */
export function svgText(lines: string | readonly string[], look: TextLook): string {
  const { x, y, size, colour = GREY, anchor = 'start', weight = 'normal', line = 0 } = look
  const style = `font-family="${FONTS}" font-size="${size}" font-weight="${weight}" text-anchor="${anchor}" fill="${colour}"`
  return [lines]
    .flat()
    .map((text, i) => `<text x="${x}" y="${y + i * line}" ${style}>${escapeXml(text)}</text>`)
    .join('\n')
}

/** Control characters and lone surrogates, which XML has no way to write, become spaces. */
function escapeXml(text: string): string {
  const legal = text.replace(/[\p{Cc}\p{Cs}\ufffe\uffff]+/gu, ' ')
  return legal.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')
}
