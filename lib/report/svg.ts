/** SVG text → PNG, through sharp. */

/** Twice the pixels of the drawing, for screens that show them. */
const PIXEL_RATIO = 2

/** @returns an encoded PNG of `svg`, at twice its size */
export async function renderPng(svg: string): Promise<Buffer> {
  const { default: sharp } = await import('sharp')
  return sharp(Buffer.from(svg), { density: 72 * PIXEL_RATIO })
    .flatten({ background: '#ffffff' })
    .png()
    .toBuffer()
}

/** Text of an SVG: control characters and lone surrogates, which XML has no way to write, become spaces. */
export function escapeXml(text: string): string {
  const legal = text.replace(/[\p{Cc}\p{Cs}\ufffe\uffff]+/gu, ' ')
  return legal.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')
}

/** What text is drawn with; characters that it lacks come from another font that has them. */
export const FONT = 'font-family="DejaVu Sans, Helvetica, Arial, sans-serif"'

/** Chinese, Japanese and Korean characters and their punctuation are as wide as they are high, others about half. */
const WIDE =
  /[\u1100-\u11ff\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\ufe30-\ufe4f\uff00-\uff60\u{1f300}-\u{1faff}\u{20000}-\u{3ffff}]/u
const NARROW_WIDTH = 0.573

/** `text`, cut with an ellipsis where it would be wider than `width` pixels in letters of `size`. */
export function fitText(text: string, width: number, size: number): string {
  const widths = Array.from(text, (character) => (WIDE.test(character) ? 1 : NARROW_WIDTH) * size)
  if (widths.reduce((a, b) => a + b, 0) <= width) return text
  let left = width - NARROW_WIDTH * size
  const fitting = widths.findIndex((w) => {
    left -= w
    return left < 0
  })
  return `${Array.from(text).slice(0, fitting).join('')}…`
}

/** Characters that are one flat stroke in every font. */
const FLAT = { latin: '-', chinese: '一' } as const
export type Script = keyof typeof FLAT
const fonts = new Map<Script, Promise<boolean>>()

/**
 * Whether this machine can draw letters. Without a font that has them the renderer puts a box for each, empty or with the
 * character's code in it; a stroke that comes out as high as a box gives it away.
 */
export function hasFonts(script: Script = 'latin'): Promise<boolean> {
  let known = fonts.get(script)
  if (!known) {
    known = inkHeight(FLAT[script]).then((height) => height > 0 && height < LETTER_SIZE / 3)
    fonts.set(script, known)
  }
  return known
}

/** Whether a text has Chinese characters, for which few machines have a font. */
export const hasChinese = (text: string) => /\p{Script=Han}/u.test(text)

/** Said once by whoever draws text on a machine without fonts. */
export const NO_FONTS =
  'This machine has no font, so letters in pictures are boxes: install one (for instance fonts-dejavu-core).'

export const NO_CHINESE_FONTS =
  'This machine has no font with Chinese characters, which are boxes in pictures: install one (for instance fonts-noto-cjk).'

const LETTER_SIZE = 24

/** Rows of pixels from the highest to the lowest that a letter of LETTER_SIZE touches. */
async function inkHeight(character: string): Promise<number> {
  const { default: sharp } = await import('sharp')
  const [width, height] = [2 * LETTER_SIZE, 2 * LETTER_SIZE]
  const text = `<text x="8" y="${1.5 * LETTER_SIZE}" font-family="sans-serif" font-size="${LETTER_SIZE}">${character}</text>`
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}">${text}</svg>`
  const alpha = await sharp(Buffer.from(svg)).extractChannel('alpha').raw().toBuffer()
  const touched = Array.from({ length: height }, (_, y) =>
    alpha.subarray(y * width, (y + 1) * width).some((a) => a > 64),
  )
  return touched.includes(true) ? touched.lastIndexOf(true) - touched.indexOf(true) + 1 : 0
}
