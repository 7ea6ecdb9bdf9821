/** Training batches with their pictures decoded and their captions tokenized, one ahead of the step. */

import { limited } from '../base/limited.js'
import { Draws, Stream } from '../base/random.js'
import type { Features } from '../clip/batch.js'
import type { Clip } from '../clip/clip.js'
import type { TeacherFeatures } from '../clip/teacher.js'
import { type LoaderOptions, type TrainingBatch, trainingBatches } from '../data/loader.js'
import { Places } from '../data/places.js'
import { sharedBatches } from '../data/shared-batches.js'
import { augmentImage } from '../image/augment.js'
import { augmentOptions } from '../image/augment-options.js'
import { withPicture } from '../image/decode.js'
import type { Picture } from '../image/picture.js'
import type { PictureCache } from '../image/picture-cache.js'
import { decodeOptions, pictureFitter } from '../image/preprocess.js'
import { type PreprocessConfig, preprocessOptions } from '../image/preprocess-config.js'
import type { World } from '../ranks/world.js'
import { preCaption } from '../tokenizer/pre-caption.js'
import type { PackedTexts } from '../tokenizer/tokenizer.js'
import { encodeWithin } from '../tokenizer/truncation.js'
import type { KeptFeatures } from './kept-features.js'
import type { Settings } from './options/options.js'
import { OtherPictures } from './other-pictures.js'
import type { Teacher } from './teacher.js'

const FAULT = { where: 'train: caption', code: 'ERR_DATA' } as const

export type ReadyBatch = TrainingBatch & {
  tokens: PackedTexts
  /** Those of all ranks that lost their end. */
  captionsCut: number
  /** What the run's teacher makes of it, if there is one. */
  teacher?: TeacherFeatures
  /** Of towers that are fixed. */
  imageFeatures?: Features | undefined
  textFeatures?: Features | undefined
  /** Lets a later batch have the memory of its pictures; nobody may read them from then on. */
  release(): void
}

type Reading = Omit<LoaderOptions, 'decode' | 'size'> & {
  world: World
  teacher: Teacher | undefined
  /** Of decoded pictures. */
  cache: PictureCache | undefined
  kept: KeptFeatures | undefined
}

/** Reads ahead by one: while a step runs, the next batch is put together. */
export class BatchReader {
  readonly #batches: AsyncGenerator<ReadyBatch>
  #next: Promise<IteratorResult<ReadyBatch>>

  constructor(clip: Clip, contextLength: number, { teacher, kept, cache, ...o }: Reading, settings: Settings) {
    const other = teacher?.pictures(clip)
    const seen = other && new OtherPictures(other.size)
    const every = decoder(clip.preprocess, settings, cache, other && seen && { preprocess: other, seen })
    const decode = limited(settings.workers, kept?.decoding(every) ?? every)
    const { size } = clip.preprocess
    const places = new Places(settings.batchSize, size * size * 3)
    const whole = { ...o, size, decode, places }
    const loader = o.world.size > 1 ? sharedBatches(whole) : trainingBatches(whole)
    const clean = settings.preCaption ? (text: string) => preCaption(text) : (text: string) => text
    const { truncation } = settings
    const ready = async (batch: TrainingBatch): Promise<ReadyBatch> => {
      const captions = batch.captions.map(clean)
      const tokens = encodeWithin(clip.tokenizer, captions, { contextLength, truncation }, FAULT)
      const cut = await o.world.exchange(tokens.truncated, 'loader')
      const captionsCut = cut.reduce((sum, one) => sum + one, 0)
      const { first, count } = o.world.share(settings.batchSize)
      const indices = batch.indices.subarray(first, first + count)
      const imageFeatures = await kept?.images(batch.pixels, indices, batch.decoded)
      const release = () => places.giveBack(batch.pixels.data)
      const textFeatures = await kept?.texts(tokens)
      const ready = { ...batch, tokens, captionsCut, imageFeatures, textFeatures, release }
      if (!teacher) return ready
      const pixels = seen?.take(batch.epoch, indices) ?? batch.pixels
      return { ...ready, teacher: await teacher.features(pixels, captions) }
    }
    this.#batches = each(loader, ready)
    this.#next = this.#ask()
  }

  /** The next batch, or undefined after the last; the one after it is then on its way. */
  async next(): Promise<ReadyBatch | undefined> {
    const { value, done } = await this.#next
    if (done) return undefined
    this.#next = this.#ask()
    return value
  }

  /** Lets go of what was read ahead. */
  async close(): Promise<void> {
    await this.#next.catch(() => {})
    await this.#batches.return(undefined)
  }

  #ask(): Promise<IteratorResult<ReadyBatch>> {
    const next = this.#batches.next()
    next.catch(() => {}) // a failure belongs to the call that asks for this batch
    return next
  }
}

async function* each<A, B>(batches: AsyncIterable<A>, make: (batch: A) => Promise<B>): AsyncGenerator<B> {
  for await (const batch of batches) yield await make(batch)
}

/** @param other what else is made of the same view of a picture */
function decoder(
  preprocess: PreprocessConfig,
  { augment, seed, decode: way }: Settings,
  cache: PictureCache | undefined,
  other: { preprocess: PreprocessConfig; seen: OtherPictures } | undefined,
): LoaderOptions['decode'] {
  const decode = (preprocess: PreprocessConfig): LoaderOptions['decode'] => {
    const manner = { ...preprocessOptions(preprocess), decode: way }
    const options = augmentOptions(augment)
    if (!options) {
      const fit = pictureFitter(manner, cache)
      return (image, _index, _epoch, into) => fit(image, into)
    }
    return (image, index, epoch, into) => {
      const use = (picture: Picture) =>
        augmentImage(picture, manner.size, manner, options, new Draws(seed, Stream.augment, epoch, index), into)
      const how = decodeOptions(manner)
      return cache ? cache.whole(image, how).then(use) : withPicture(image, how, use)
    }
  }
  const own = decode(preprocess)
  if (!other) return own
  const its = decode({ ...preprocess, size: other.preprocess.size })
  return async (image, index, epoch, into) => {
    const pixels = await own(image, index, epoch, into)
    other.seen.keep(epoch, index, (await its(image, index, epoch))!)
    return pixels
  }
}
