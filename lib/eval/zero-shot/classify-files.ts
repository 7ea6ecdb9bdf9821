/** Classes of pictures in files. */
import { z } from 'zod'
import { invalid } from '../../base/errors.js'
import { parseOptions } from '../../base/options.js'
import type { Clip } from '../../clip/clip.js'
import { type EncodeProgress, progressOf } from '../../clip/encode-progress.js'
import { callback, encodeShape } from '../../clip/encode-shape.js'
import type { LoadOptions } from '../../clip/open-options.js'
import { leavingOut, type SkippedImage, skippedImages } from '../../clip/skipped-images.js'
import { withModel } from '../../clip/with-model.js'
import { readTextLines } from '../../files/text-lines.js'
import { findImages, isFolder } from '../../image/find-images.js'
import { checkClassNames } from './class-names.js'
import { type Classification, zeroShotClassifier } from './classifier.js'
import { type Templates, templatesOf } from './templates.js'

export type ClassifyFilesOptions = {
  /** Paths of pictures, folders, of which all pictures are taken, or patterns. */
  pictures: readonly string[]
  /** Names; or `classesFile`, one a line. */
  classes?: readonly string[] | undefined
  classesFile?: string | undefined
  templates?: Templates | undefined
  /** 5 by default, with `threshold` all. */
  topK?: number | undefined
  /** Tells only classes of at least this probability. */
  threshold?: number | undefined
  /** By default where `pictures` has a folder. */
  skipBad?: boolean | undefined
  batchSize?: number | undefined
  onProgress?: ((progress: EncodeProgress) => void) | undefined
  signal?: AbortSignal | undefined
  load?: LoadOptions | undefined
}

export type ClassifiedFile = { image: string; results: Classification[] }

const schema = z.strictObject({
  pictures: z.array(z.string()).min(1, { error: 'expected at least one picture' }),
  classes: z.array(z.string()).optional(),
  classesFile: z.string().optional(),
  templates: z.custom<Templates>().default('simple'),
  topK: z.int().min(1).optional(),
  threshold: z.number().min(0).max(1).optional(),
  skipBad: z.boolean().optional(),
  batchSize: encodeShape.batchSize,
  onProgress: callback<NonNullable<ClassifyFilesOptions['onProgress']>>(),
  signal: encodeShape.signal,
  load: z.custom<LoadOptions>().optional(),
})

/**
 * Classes of each picture, most probable first.
 * @param model a model, or the path of one, which is then loaded, once the inputs are found, and disposed afterwards
 * @throws ClipwrightError as `zeroShotClassifier` and `Classifier.classify`; ERR_DATA for a file without names
 */
export async function classifyFiles(
  model: Clip | string,
  options: ClassifyFilesOptions,
): Promise<{ pictures: ClassifiedFile[]; skipped: SkippedImage[] }> {
  const o = parseOptions(schema, options, 'classify')
  const names = await namesOf(o)
  const templates = templatesOf(o.templates, 'classify')
  const paths = await findImages(o.pictures)
  const skipBad = o.skipBad ?? o.pictures.some(isFolder)
  return withModel(model, o.load, async (clip) => {
    const { batchSize, signal, onProgress, threshold = 0 } = o
    const encode = { batchSize, signal }
    const texts = progressOf('texts', onProgress)
    const classifier = await zeroShotClassifier(clip, names, { templates, ...encode, ...texts })
    const {
      result: found,
      bad,
      isThere,
    } = await leavingOut(skipBad, paths.length, (onBadImage) =>
      classifier.classify(paths, {
        topK: o.topK ?? (o.threshold === undefined ? 5 : names.length),
        ...encode,
        ...(onBadImage && { onBadImage }),
        ...progressOf('images', onProgress),
      }),
    )
    const pictures = paths.flatMap((image, i) =>
      isThere(image, i) ? [{ image, results: found[i]!.filter(({ probability }) => probability >= threshold) }] : [],
    )
    return { pictures, skipped: skippedImages(bad) }
  })
}

async function namesOf({ classes, classesFile }: z.output<typeof schema>): Promise<readonly string[]> {
  if ((classes === undefined) === (classesFile === undefined)) {
    throw invalid('classify: expected either classes or classesFile')
  }
  if (classes) return checkClassNames(classes, 'classes')
  const { lines } = await readTextLines(classesFile!)
  return checkClassNames(
    lines.map((line) => line.trim()),
    classesFile!,
  )
}
