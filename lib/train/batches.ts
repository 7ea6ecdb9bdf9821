/** Training batches with their pictures decoded and their captions tokenized, one ahead of the step. */

import { limited } from '../base/limited.js'
import { Draws, Stream } from '../base/random.js'
import type { Clip } from '../clip/clip.js'
import { type LoaderOptions, type TrainingBatch, trainingBatches } from '../data/loader.js'
import { sharedBatches } from '../data/shared-batches.js'
import { augmentImage } from '../image/augment.js'
import { augmentOptions } from '../image/augment-options.js'
import { withPicture } from '../image/decode.js'
import { decodeOptions, loadPixels } from '../image/preprocess.js'
import { type PreprocessConfig, preprocessOptions } from '../image/preprocess-config.js'
import type { World } from '../ranks/world.js'
import { preCaption } from '../tokenizer/pre-caption.js'
import type { PackedTexts } from '../tokenizer/tokenizer.js'
import { encodeWithin } from '../tokenizer/truncation.js'
import type { Settings } from './options/options.js'

const FAULT = { where: 'train: caption', code: 'ERR_DATA' } as const

export type ReadyBatch = TrainingBatch & { tokens: PackedTexts }

/** Reads ahead by one: while a step runs, the next batch is put together. */
export class BatchReader {
  readonly #batches: AsyncGenerator<ReadyBatch>
  #next: Promise<IteratorResult<ReadyBatch>>

  constructor(
    clip: Clip,
    contextLength: number,
    o: Omit<LoaderOptions, 'decode' | 'size'> & { world: World },
    settings: Settings,
  ) {
    const decode = limited(settings.workers, decoder(clip.preprocess, settings))
    const whole = { ...o, size: clip.preprocess.size, decode }
    const loader = o.world.size > 1 ? sharedBatches(whole) : trainingBatches(whole)
    const clean = settings.preCaption ? (text: string) => preCaption(text) : (text: string) => text
    const { truncation } = settings
    const encode = (captions: string[]) =>
      encodeWithin(clip.tokenizer, captions.map(clean), { contextLength, truncation }, FAULT)
    this.#batches = withTokens(loader, encode)
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

async function* withTokens(
  batches: AsyncIterable<TrainingBatch>,
  encode: (captions: string[]) => PackedTexts,
): AsyncGenerator<ReadyBatch> {
  for await (const batch of batches) yield { ...batch, tokens: encode(batch.captions) }
}

function decoder(preprocess: PreprocessConfig, { augment, seed }: Settings): LoaderOptions['decode'] {
  const manner = preprocessOptions(preprocess)
  const options = augmentOptions(augment)
  if (!options) return async (image) => (await loadPixels([image], manner)).data
  return (image, index, epoch) =>
    withPicture(image, decodeOptions(manner), (picture) =>
      augmentImage(picture, manner.size, manner, options, new Draws(seed, Stream.augment, epoch, index)),
    )
}
