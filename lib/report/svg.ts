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

export function escapeXml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')
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

/** Two letters each, that no font draws alike. */
const SAMPLES = { latin: ['I', 'O'], chinese: ['一', '猫'] } as const
export type Script = keyof typeof SAMPLES
const fonts = new Map<Script, Promise<boolean>>()

/**
 * Whether this machine can draw letters. Without a font that has them the renderer puts the same empty box for every
 * letter, so two different letters that look the same give it away.
 */
export function hasFonts(script: Script = 'latin'): Promise<boolean> {
  let known = fonts.get(script)
  if (!known) {
    const [a, b] = SAMPLES[script]
    known = Promise.all([letter(a), letter(b)]).then(([x, y]) => !x.equals(y))
    fonts.set(script, known)
  }
  return known
}

/** Whether a text has Chinese characters, for which few machines have a font. */
export const hasChinese = (text: string) => /\p{Script=Han}/u.test(text)

/** Said once by whoever draws text on a machine without fonts. */
export const NO_FONTS =
  'This machine has no font, so letters in pictures are empty boxes: install one (for instance fonts-dejavu-core).'

export const NO_CHINESE_FONTS =
  'This machine has no font with Chinese characters, which are empty boxes in pictures: install one (for instance fonts-noto-cjk).'

async function letter(character: string): Promise<Buffer> {
  const { default: sharp } = await import('sharp')
  const text = `<text x="8" y="24" font-family="sans-serif" font-size="20">${character}</text>`
  return sharp(Buffer.from(`<svg xmlns="http://www.w3.org/2000/svg" width="32" height="32">${text}</svg>`))
    .raw()
    .toBuffer()
}
