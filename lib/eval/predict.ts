/** Which of several texts a picture shows, as CLIP's zero-shot classification has it. */
import { z } from 'zod'
import { parseOptions } from '../base/options.js'
import type { ImageSource } from '../base/types.js'
import type { Clip } from '../clip/clip.js'
import type { EncodeImagesOptions } from '../clip/encode.js'
import { callback, encodeShape, truncationSchema } from '../clip/encode-shape.js'
import { requireFiniteFeatures } from '../clip/finite-features.js'
import type { LoadOptions } from '../clip/open-options.js'
import { withModel } from '../clip/with-model.js'
import type { BadImage } from '../image/preprocess.js'
import type { Truncation } from '../tokenizer/truncation.js'
import { rowOfProducts } from './similarity.js'
import { softmax } from './softmax.js'

/** What is asked. */
export type PredictOptions<I extends ImageSource = ImageSource> = {
  /** Paths, file: URLs or encoded bytes. */
  images: readonly I[]
  texts: readonly string[]
  /** Texts told of each picture, the most probable ones; all by default. Probabilities are over all texts. */
  topK?: number
  /** Whether texts that are longer than the context are cut ('cut', the default) or an error. */
  truncation?: Truncation
  /** Is told of each picture that cannot be read, which then has an empty list. Without it such a picture is an error. */
  onBadImage?: EncodeImagesOptions['onBadImage']
  /** Pictures or texts at a time; 64 by default. */
  batchSize?: number
  /** Rejects with `signal.reason`. */
  signal?: AbortSignal
  /** How a model that is given as a path is loaded. */
  load?: LoadOptions
}

/** A picture and its texts, most probable first. */
export type Prediction<I extends ImageSource = ImageSource> = {
  image: I
  results: {
    text: string
    /** softmax over the texts of logit_scale · similarity: of one text alone it is always 1. */
    probability: number
    /** The cosine of the two features, -1 to 1, whatever other texts there are. */
    similarity: number
  }[]
}

const schema = z.strictObject({
  images: z.array(z.custom<ImageSource>()).min(1, { error: 'expected at least one picture' }),
  texts: z.array(z.string()).min(1, { error: 'expected at least one text' }),
  topK: z.int().min(1).optional(),
  truncation: truncationSchema,
  onBadImage: callback<NonNullable<PredictOptions['onBadImage']>>(),
  batchSize: encodeShape.batchSize,
  signal: encodeShape.signal,
  load: z.custom<LoadOptions>().optional(),
})

/**
 * Probabilities of texts for pictures (https://arxiv.org/abs/2103.00020, section 3.1).
 * @param model a model, or the path of one, which is then loaded and disposed afterwards
 * @throws ClipwrightError ERR_INVALID_ARGUMENT, ERR_NOT_FOUND and ERR_IMAGE naming the picture, ERR_FORMAT when the
 *   model's features are not finite, what `Clip.load` throws; `signal.reason` when aborted
 *
 * @example
 * const [{ results }] = await predict(clip, { images: ['cat.jpg'], texts: ['a cat', 'a dog'] })
 */
export async function predict<I extends ImageSource>(
  model: Clip | string,
  options: PredictOptions<I>,
): Promise<Prediction<I>[]> {
  const { load } = parseOptions(schema, options, 'predict')
  return withModel(model, load, (clip, name) => predictBy(clip, name, options))
}

/** `predict` by a model that is there. @param name of the model, for messages. @throws as it does */
export async function predictBy<I extends ImageSource>(
  clip: Clip,
  name: string,
  options: PredictOptions<I>,
): Promise<Prediction<I>[]> {
  const { topK, truncation, onBadImage, batchSize, signal, ...given } = parseOptions(schema, options, 'predict')
  const { images, texts } = given as { images: I[]; texts: string[] }
  const encode = { batchSize, ...(signal && { signal }) }
  const bad = new Set<number>()
  const onBad = onBadImage && {
    onBadImage: (one: BadImage) => {
      bad.add(one.index)
      onBadImage(one)
    },
  }
  const imageFeatures = await clip.encodeImages(images, { ...encode, ...onBad })
  const textFeatures = await clip.encodeTexts(texts, { ...encode, truncation })
  for (const features of [imageFeatures, textFeatures]) requireFiniteFeatures(features, name)
  const scale = await clip.logitScale()
  let row = 0
  return images.map((image, i) => {
    if (bad.has(i)) return { image, results: [] }
    const similarities = rowOfProducts(imageFeatures, textFeatures, row++)
    const probabilities = softmax(similarities, scale)
    const results = texts.map((text, j) => ({
      text,
      probability: probabilities[j]!,
      similarity: similarities[j]!,
    }))
    return { image, results: results.sort((a, b) => b.probability - a.probability).slice(0, topK) }
  })
}
