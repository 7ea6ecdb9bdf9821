/** A drawing in a file. */
import { extname } from 'node:path'
import { writeAtomically } from '../files/atomic-write.js'
import { missingFonts, renderPng } from './svg.js'

/**
 * The drawing as it is where the path ends in .svg, else as a PNG.
 * @param texts that stand in it
 * @returns what this machine lacks to draw the texts, as a sentence; nothing when all is there
 * @throws ClipwrightError ERR_IO
 */
export async function writePicture(path: string, svg: string, texts: readonly string[]): Promise<string | undefined> {
  const isSvg = extname(path).toLowerCase() === '.svg'
  const content = isSvg ? svg : await renderPng(svg)
  await writeAtomically(path, (file) => file.writeFile(content))
  return isSvg ? undefined : missingFonts(texts)
}
