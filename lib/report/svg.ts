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

let fonts: Promise<boolean> | undefined

/**
 * Whether this machine can draw letters. Without any font the renderer puts the same empty box for every letter, so
 * two different letters that look the same give it away.
 */
export function hasFonts(): Promise<boolean> {
  fonts ??= Promise.all([letter('I'), letter('O')]).then(([i, o]) => !i.equals(o))
  return fonts
}

/** Said once by whoever draws text on a machine without fonts. */
export const NO_FONTS =
  'This machine has no font, so letters in pictures are empty boxes: install one (for instance fonts-dejavu-core).'

async function letter(character: string): Promise<Buffer> {
  const { default: sharp } = await import('sharp')
  const text = `<text x="8" y="24" font-family="sans-serif" font-size="20">${character}</text>`
  return sharp(Buffer.from(`<svg xmlns="http://www.w3.org/2000/svg" width="32" height="32">${text}</svg>`))
    .raw()
    .toBuffer()
}
