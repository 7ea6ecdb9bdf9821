/** Classes told by their names alone (https://arxiv.org/abs/2103.00020, section 3.1). */
import { z } from 'zod'
import { invalid } from '../../base/errors.js'
import { parseOptions } from '../../base/options.js'
import type { Images, Tensor } from '../../base/types.js'
import type { Clip } from '../../clip/clip.js'
import type { EncodeImagesOptions } from '../../clip/encode.js'
import { callback, encodeShape } from '../../clip/encode-shape.js'
import { type Encoders, encodersOf } from '../../clip/encode-shared.js'
import { requireFiniteFeatures } from '../../clip/finite-features.js'
import { sessionOf } from '../../clip/session.js'
import { rowOfProducts } from '../similarity.js'
import { softmax } from '../softmax.js'
import { checkClassNames } from './class-names.js'
import { fill, type Templates, templatesOf } from './templates.js'

/** How a classifier is made of names. */
export type ZeroShotOptions = {
  /**
   * Sentences around each name: 'simple' (7, the default), 'imagenet' (OpenAI's 80), both English, or your own with `{}`
   * or `{c}` where the name goes, as in ['a photo of a {}']; ['{}'] is the name alone.
   */
  templates?: Templates
  /** Texts at a time; 64 by default. */
  batchSize?: number
  /** Rejects with `signal.reason`. */
  signal?: AbortSignal
  /** Is told at the start and after each batch how many of all texts are done. */
  onProgress?: (done: number, total: number) => void
}

/** What is asked of a classifier. */
export type ClassifyOptions = {
  /** Classes told of each picture, the most probable ones; 5 by default. Probabilities are over all classes. */
  topK?: number
  /** Pictures at a time; 64 by default. */
  batchSize?: number
  /** Rejects with `signal.reason`. */
  signal?: AbortSignal
  /** Is told of each picture that cannot be read, which then has an empty list. Without it such a picture is an error. */
  onBadImage?: EncodeImagesOptions['onBadImage']
  /** Is told at the start and after each batch how many of all pictures are done. */
  onProgress?: (done: number, total: number) => void
}

/** A class, and how probable it is: softmax over all classes of logit_scale · similarity. */
export type Classification = { label: string; probability: number }

const makeSchema = z.strictObject({
  templates: z.custom<Templates>().default('simple'),
  batchSize: encodeShape.batchSize,
  signal: encodeShape.signal,
  onProgress: encodeShape.onProgress,
})

const classifySchema = z.strictObject({
  topK: z.int().min(1).default(5),
  batchSize: encodeShape.batchSize,
  signal: encodeShape.signal,
  onBadImage: callback<NonNullable<ClassifyOptions['onBadImage']>>(),
  onProgress: encodeShape.onProgress,
})

/**
 * A classifier for classes that only have names: the weights of a class are the mean of the features of its sentences,
 * each of length 1, and of length 1 again, as in open_clip's `build_zero_shot_classifier`.
 * @param classNames as they stand in a sentence: 'golden retriever'
 * @throws ClipwrightError ERR_INVALID_ARGUMENT, also for equal names (all are named), ERR_FORMAT when features are not
 *   finite, ERR_DISPOSED; `signal.reason` when aborted
 *
 * @example
 * const pets = await zeroShotClassifier(clip, ['cat', 'dog'], { templates: ['a photo of a {}'] })
 * const [[best]] = await pets.classify(['pet.jpg'], { topK: 1 })
 */
export async function zeroShotClassifier(
  clip: Clip,
  classNames: readonly string[],
  options: ZeroShotOptions = {},
): Promise<Classifier> {
  sessionOf(clip, 'zeroShotClassifier')
  return classifierBy(clip, classNames, options, encodersOf(clip).texts)
}

/** `zeroShotClassifier` of texts' features that somebody else computes. @throws as it does */
export async function classifierBy(
  clip: Clip,
  classNames: readonly string[],
  options: ZeroShotOptions,
  encodeTexts: Encoders['texts'],
): Promise<Classifier> {
  const { templates, ...encode } = parseOptions(makeSchema, options, 'zeroShotClassifier')
  const names = [...checkClassNames(classNames, 'zeroShotClassifier')]
  const sentences = templatesOf(templates, 'zeroShotClassifier')
  const texts = names.flatMap((name) => fill(sentences, name))
  const features = await encodeTexts(texts, encode) // [classes · templates, embed_dim]
  requireFiniteFeatures(features, 'the model')
  return new Classifier(made, clip, names, classWeights(features, names.length), await clip.logitScale())
}

/** The mean of each class's rows, of length 1 again. */
function classWeights({ shape, data }: Tensor, classes: number): Tensor {
  const [rows, d] = shape as [number, number]
  const each = rows / classes
  const out = new Float32Array(classes * d)
  for (let c = 0; c < classes; c++) {
    const sum = new Float64Array(d)
    for (let row = c * each; row < (c + 1) * each; row++) {
      for (let k = 0; k < d; k++) sum[k]! += data[row * d + k]!
    }
    const length = Math.hypot(...sum) || 1
    for (let k = 0; k < d; k++) out[c * d + k] = sum[k]! / length
  }
  return { shape: [classes, d], data: out }
}

const made = Symbol('made')

/** Made by `zeroShotClassifier`; it uses the model, which is to be kept until the last picture. */
export class Classifier {
  readonly classNames: readonly string[]
  /** [classes, embed_dim], each row of length 1. */
  readonly weights: Tensor
  /** What similarities are multiplied by. */
  readonly logitScale: number
  readonly #clip: Clip

  /** @internal Use `zeroShotClassifier`. */
  constructor(token: typeof made, clip: Clip, classNames: readonly string[], weights: Tensor, logitScale: number) {
    if (token !== made) throw invalid('A Classifier is made by zeroShotClassifier.')
    this.#clip = clip
    this.classNames = classNames
    this.weights = weights
    this.logitScale = logitScale
  }

  /**
   * The most probable classes of each picture, in the order of the pictures.
   * @param images whatever `encodeImages` takes
   * @throws ClipwrightError ERR_INVALID_ARGUMENT, ERR_NOT_FOUND and ERR_IMAGE naming the picture, ERR_FORMAT when features
   *   are not finite, ERR_DISPOSED; `signal.reason` when aborted
   */
  async classify(images: Images, options: ClassifyOptions = {}): Promise<Classification[][]> {
    const { topK, onBadImage, ...encode } = parseOptions(classifySchema, options, 'classify')
    const bad = new Set<number>()
    const onBad = onBadImage && {
      onBadImage: (one: Parameters<typeof onBadImage>[0]) => {
        bad.add(one.index)
        onBadImage(one)
      },
    }
    const features = await this.#clip.encodeImages(images, { ...encode, ...onBad })
    requireFiniteFeatures(features, 'the model')
    const count = features.shape[0]! + bad.size
    let row = 0
    return Array.from({ length: count }, (_, i) => (bad.has(i) ? [] : this.#best(features, row++, topK)))
  }

  #best(features: Tensor, row: number, topK: number): Classification[] {
    const probabilities = softmax(rowOfProducts(features, this.weights, row), this.logitScale)
    return this.classNames
      .map((label, c) => ({ label, probability: probabilities[c]! }))
      .sort((a, b) => b.probability - a.probability)
      .slice(0, topK)
  }
}
