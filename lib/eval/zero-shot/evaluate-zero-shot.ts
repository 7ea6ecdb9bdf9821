/** How well classes are told by their names, on pictures sorted into a folder for each class. */
import { z } from 'zod'
import { invalid } from '../../base/errors.js'
import { parseOptions } from '../../base/options.js'
import { some } from '../../base/shorten.js'
import type { Clip } from '../../clip/clip.js'
import { type EncodeProgress, progressOf } from '../../clip/encode-progress.js'
import { callback, encodeShape } from '../../clip/encode-shape.js'
import { type Encoders, encodersOf } from '../../clip/encode-shared.js'
import { requireFiniteFeatures } from '../../clip/finite-features.js'
import type { LoadOptions } from '../../clip/open-options.js'
import { leavingOut, type SkippedImage, skippedImages } from '../../clip/skipped-images.js'
import { withModel } from '../../clip/with-model.js'
import { type ClassFolders, readClassFolders } from '../../data/class-folders.js'
import type { PreprocessConfig } from '../../image/preprocess-config.js'
import { type Bootstrap, bootstrapSchema } from '../bootstrap.js'
import { type Accuracy, type AccuracyInterval, accuracy, accuracyInterval } from './accuracy.js'
import { checkClassNames } from './class-names.js'
import { rankClasses } from './class-ranks.js'
import { classifierBy } from './classifier.js'
import { imagenetClassNames, type Templates, templatesOf } from './templates.js'

/** How classes are told, and what is measured. */
export type ZeroShotEvaluationOptions = {
  /** Sentences around each name, as `zeroShotClassifier` takes them. */
  templates?: Templates
  /** Asks for 95 % intervals. */
  bootstrap?: Bootstrap
  /** Pictures or texts at a time; 64 by default. */
  batchSize?: number
  /** Leaves out pictures that cannot be read, and lists them; by default they are an error. */
  skipBad?: boolean
  /** Is told at the start and after each batch how far the encoding is. */
  onProgress?: (progress: EncodeProgress) => void
  /** Rejects with `signal.reason`. */
  signal?: AbortSignal
  /** How a model that is given as a path is loaded. */
  load?: LoadOptions
}

/** One class of an evaluation. */
export type ClassAccuracy = {
  folder: string
  name: string
  images: number
  /** Share of its pictures whose own class ranks first, in percent. */
  top1: number
}

/** Figures in percent, and what was measured. */
export type ZeroShotEvaluation = Accuracy & {
  /** How many there were. */
  images: number
  classes: ClassAccuracy[]
  /** confusion[own][first]: pictures of each class by the class that ranks first for them. */
  confusion: number[][]
  /** What guessing reaches on average. */
  chance: Accuracy
  /** With `bootstrap`: 95 % intervals, pictures being drawn with replacement. */
  interval?: AccuracyInterval
  /** By what it was measured. */
  protocol: {
    data: string
    /** Where the names are from. */
    names: 'folders' | 'classes.json' | 'imagenet'
    templates: readonly string[]
    preprocessing: PreprocessConfig
    precision: string
    /** What the intervals were drawn by. */
    interval: { share: number; over: 'pictures'; samples: number; seed: number } | null
  }
  /** What makes the figures unlike what they seem. */
  warnings: string[]
  /** With `skipBad`: pictures that were left out. */
  skipped: SkippedImage[]
}

const schema = z.strictObject({
  templates: z.custom<Templates>().default('simple'),
  bootstrap: bootstrapSchema.optional(),
  batchSize: encodeShape.batchSize,
  skipBad: z.boolean().optional(),
  onProgress: callback<NonNullable<ZeroShotEvaluationOptions['onProgress']>>(),
  signal: encodeShape.signal,
  load: z.custom<LoadOptions>().optional(),
})

/**
 * Top-1, top-5 and mean per-class accuracy of zero-shot classification.
 * @param model a model, or the path of one, which is then loaded and disposed afterwards
 * @param data a folder with a folder of pictures for each class. A class is called as its folder is, with spaces for
 *   underscores, or as a `classes.json` beside the folders maps them; ImageNet's 1000 WordNet ids have OpenAI's names
 * @throws ClipwrightError ERR_DATA naming classes without pictures or with equal names, ERR_INVALID_ARGUMENT, ERR_NOT_FOUND
 *   and ERR_IMAGE naming the picture, ERR_FORMAT, what `Clip.load` throws; `signal.reason` when aborted
 *
 * @example
 * const { top1, meanPerClass } = await evaluateZeroShot('my-clip', 'pets/', { templates: 'imagenet' })
 */
export function evaluateZeroShot(
  model: Clip | string,
  data: string,
  options: ZeroShotEvaluationOptions = {},
): Promise<ZeroShotEvaluation> {
  return evaluateZeroShotBy(encodersOf, model, data, options, false)
}

/**
 * `evaluateZeroShot` of features that somebody else computes.
 * @param encodersFor who, for the model
 * @param skipBad where the options say nothing; undefined where nobody can say it
 * @throws as it does
 */
export async function evaluateZeroShotBy(
  encodersFor: (clip: Clip) => Encoders,
  model: Clip | string,
  data: string,
  options: ZeroShotEvaluationOptions,
  skipBad?: boolean,
): Promise<ZeroShotEvaluation> {
  const o = parseOptions(schema, options, 'evaluateZeroShot')
  if (typeof data !== 'string') throw invalid('evaluateZeroShot: expected the path of a folder as data')
  const templates = templatesOf(o.templates, 'evaluateZeroShot')
  const folders = await readClassFolders(data)
  const { names, from } = namesOf(folders)
  checkClassNames(names, data)
  return withModel(model, o.load, async (clip, modelName) => {
    const { batchSize, signal, onProgress } = o
    const texts = { batchSize, signal, ...progressOf('texts', onProgress) }
    const encoders = encodersFor(clip)
    const { weights } = await classifierBy(clip, names, { templates, ...texts }, encoders.texts)
    const images = folders.classes.flatMap((one) => one.images)
    const pictures = { batchSize, signal, ...progressOf('images', onProgress) }
    const {
      result: features,
      bad,
      isThere,
    } = await leavingOut(o.skipBad ?? skipBad, images.length, (onBadImage) =>
      encoders.images(images, { ...pictures, onBadImage }),
    )
    requireFiniteFeatures(features, modelName)
    const classOf = Int32Array.from(folders.classes.flatMap((one, c) => one.images.map(() => c))).filter(isThere)
    const { rank, first } = await rankClasses(features, weights, classOf)
    const confusion = confusionOf(classOf, first, names.length)
    return {
      ...accuracy(rank, classOf, names.length),
      images: classOf.length,
      classes: folders.classes.map(({ folder }, c) => classAccuracy(folder, names[c]!, confusion[c]!, c)),
      confusion,
      chance: chanceOf(names.length),
      ...(o.bootstrap && { interval: await accuracyInterval(rank, classOf, names.length, o.bootstrap) }),
      protocol: {
        data,
        names: from,
        templates,
        preprocessing: clip.preprocess,
        precision: clip.precision,
        interval: o.bootstrap ? { share: 0.95, over: 'pictures', ...o.bootstrap } : null,
      },
      warnings: warningsOf(folders, from, bad.length),
      skipped: skippedImages(bad),
    }
  })
}

const WORDNET_ID = /^n\d{8}$/

/** ImageNet's folders are named by ids, whose order is that of OpenAI's names. */
function namesOf({ classes, named }: ClassFolders): {
  names: string[]
  from: ZeroShotEvaluation['protocol']['names']
} {
  if (named) return { names: classes.map(({ name }) => name), from: 'classes.json' }
  const imagenet = imagenetClassNames()
  const isImagenet = classes.length === imagenet.length && classes.every(({ folder }) => WORDNET_ID.test(folder))
  return isImagenet
    ? { names: imagenet, from: 'imagenet' }
    : { names: classes.map(({ name }) => name), from: 'folders' }
}

function confusionOf(classOf: Int32Array, first: Int32Array, classes: number): number[][] {
  const table = Array.from({ length: classes }, () => new Array<number>(classes).fill(0))
  for (const [i, own] of classOf.entries()) table[own]![first[i]!]!++
  return table
}

function classAccuracy(folder: string, name: string, found: readonly number[], own: number): ClassAccuracy {
  const images = found.reduce((a, b) => a + b, 0)
  return { folder, name, images, top1: images === 0 ? 0 : (100 * found[own]!) / images }
}

function chanceOf(classes: number): Accuracy {
  return { top1: 100 / classes, top5: (100 * Math.min(5, classes)) / classes, meanPerClass: 100 / classes }
}

function warningsOf({ classes, path }: ClassFolders, from: string, left: number): string[] {
  const ids = from === 'folders' ? classes.filter(({ folder }) => WORDNET_ID.test(folder)) : []
  return [
    ...(ids.length > 0
      ? [
          `${some(ids.map(({ folder }) => folder))} ${ids.length === 1 ? 'is an id' : 'are ids'} of WordNet, which no model knows by name; map them to names in ${path}/classes.json.`,
        ]
      : []),
    ...(classes.length <= 5 ? [`With ${classes.length} classes every picture's own is among the first five.`] : []),
    ...(left > 0 ? [`${left} pictures cannot be read and were left out.`] : []),
  ]
}
