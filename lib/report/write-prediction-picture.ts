/** A prediction's picture in a file. */
import { writeAtomically } from '../files/atomic-write.js'
import { type PredictionRow, predictionPicture } from './prediction-picture.js'
import { missingFonts } from './svg.js'

/**
 * The pictures are drawn even where letters cannot be.
 * @returns what this machine lacks to draw the texts, as a sentence; nothing when all is there
 * @throws ClipwrightError ERR_IMAGE, ERR_IO
 */
export async function writePredictionPicture(
  path: string,
  rows: readonly PredictionRow[],
): Promise<string | undefined> {
  const png = await predictionPicture(rows)
  await writeAtomically(path, (file) => file.writeFile(png))
  return missingFonts(rows.flatMap(({ results }) => results.map(({ text }) => text)))
}
