/** Texts of pictures in files. */
import { cutTextsWarning } from '../clip/cut-texts.js'
import { leavingOut, type SkippedImage, skippedImages } from '../clip/skipped-images.js'
import { withModel } from '../clip/with-model.js'
import { readTextLines } from '../files/text-lines.js'
import { findImages, isFolder } from '../image/find-images.js'
import { type Prediction, type PredictOptions, predictBy } from './predict.js'

export type PredictFilesOptions = Omit<PredictOptions, 'images' | 'onBadImage'> & {
  /** Pictures by their names alone. */
  images?: readonly string[]
  /** Paths of pictures, folders, of which all pictures are taken, or patterns. */
  pictures: readonly string[]
  /** A file of further texts, one a line. */
  textsFile?: string | undefined
  /** By default where `pictures` has a folder. */
  skipBad?: boolean | undefined
}

/**
 * `predict` of files, those that cannot be read left out where that is asked for, with a warning where texts were cut.
 * @param model the path of one
 * @throws ClipwrightError as `predict` and `findImages`; ERR_DATA for a file without texts
 */
export async function predictFiles(
  model: string,
  { images = [], pictures, texts, textsFile, skipBad = pictures.some(isFolder), load, ...how }: PredictFilesOptions,
): Promise<{ predictions: Prediction<string>[]; texts: string[]; skipped: SkippedImage[]; warnings: string[] }> {
  const paths = [...images, ...(await findImages(pictures))]
  const all = [...texts, ...(textsFile === undefined ? [] : (await readTextLines(textsFile)).lines)]
  const { result, bad, isThere, cut } = await withModel(model, load, async (clip, name) => {
    const found = await leavingOut(skipBad, paths.length, (onBadImage) =>
      predictBy<string>(clip, name, { ...how, images: paths, texts: all, ...(onBadImage && { onBadImage }) }),
    )
    return { ...found, cut: cutTextsWarning(clip, all, how.truncation, 'predict') }
  })
  return { predictions: result.filter(isThere), texts: all, skipped: skippedImages(bad), warnings: cut ? [cut] : [] }
}
