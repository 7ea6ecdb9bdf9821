/** SVG text → PNG, through sharp. */
import { checkTexts } from '../base/check-texts.js'

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

/**
 * What drawing these texts lacks on this machine, as a sentence; undefined when nothing is missing.
 */
export async function missingFonts(texts: readonly string[]): Promise<string | undefined> {
  checkTexts(texts, 'missingFonts')
  if (!(await hasFonts())) return NO_FONTS
  return texts.some(hasChinese) && !(await hasFonts('chinese')) ? NO_CHINESE_FONTS : undefined
}
