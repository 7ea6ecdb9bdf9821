/**
 * Training batches in the epoch's order, decoded ahead of their use. Decoding runs side by side and finishes in any
 * order; batches are put together strictly in order, so what a batch holds depends on nothing but the seed and the files.
 */

import { performance } from 'node:perf_hooks'
import { isPromise } from '../base/brands.js'
import { counted } from '../base/counted.js'
import { ClipwrightError } from '../base/errors.js'
import { optionName } from '../base/option-names.js'
import type { Pixels } from '../base/types.js'
import { isPictureFault } from '../image/fault.js'
import { type ImageAddress, nameOf } from '../image/source.js'
import { iterate } from './iterate.js'
import { Places } from './places.js'
import type { Positives } from './positives.js'
import { type Cursor, captionOf } from './sampler.js'
import type { DataSource, PlacedSample } from './source.js'

export type BadSample = { index: number /** How messages call the picture. */; path: string; error: Error }

export type TrainingBatch = {
  epoch: number
  pixels: Pixels
  /** Which pictures of the batch `pixels` has, in their order, where `decode` gave nothing for some. */
  decoded?: Int32Array
  captions: string[]
  /** The samples' numbers. */
  indices: Int32Array
  images: ImageAddress[]
  /** Equal for pairs that are no wrong pairs of each other. */
  groups?: Int32Array
  /** How long the batch was waited for, in milliseconds. */
  waitMs: number
  /** Where the batch after this one begins. */
  next: Cursor
}

export type LoaderOptions = {
  source: DataSource
  batchSize: number
  /** Model's image side, in pixels. */
  size: number
  seed: number
  start?: Cursor
  /** Epochs to run, counted from 0: the last is epochs - 1. */
  epochs: number
  /** One picture as [size, size, 3] RGB, augmented for this epoch; nothing where it is not needed. `into` is where it may go. */
  decode: (image: ImageAddress, index: number, epoch: number, into?: Uint8Array) => Promise<Uint8Array | undefined>
  /** Where pictures go; batches that are given back to it are used again. */
  places?: Places
  /** Samples that are kept apart, and known in a batch that has them together all the same. */
  positives?: Positives | undefined
  /** Told once for each bad sample, in order; training goes on with the next sample. */
  onBadSample?: (bad: BadSample) => void
  /** Samples known to be bad from earlier in the run. */
  knownBad?: Iterable<number>
  /** Pictures decoded ahead. */
  ahead?: number
  signal?: AbortSignal
}

/** More bad samples than this share of all, and more than this many, stop a run. */
const BAD_SHARE = 0.01
const BAD_COUNT = 10

export type Decoded = { sample: PlacedSample; pixels?: Uint8Array | undefined; error?: Error }

/** @throws ClipwrightError ERR_DATA when the source is known to hold less than one batch. */
export function checkBatchSize(
  { size, path }: Pick<DataSource, 'size' | 'path'>,
  batchSize: number,
  what = 'training',
): void {
  if (size !== undefined && size < batchSize)
    throw new ClipwrightError(
      'ERR_DATA',
      `the ${what} list ${path} holds ${counted(size, 'picture')}, less than one batch of ${batchSize}; add pictures or lower ${optionName('batchSize', 'batchSize')}`,
    )
}

/**
 * Yields the batches of all epochs from `start` on. What is left of an epoch that does not fill a batch is dropped.
 * @throws ClipwrightError ERR_DATA when more than 1 % of the samples (and at least 10) are bad.
 */
export async function* trainingBatches(o: LoaderOptions): AsyncGenerator<TrainingBatch> {
  yield* inEpochs(o, epochBatches)
}

/** All epochs from `start` on; `bad` is what is known of bad samples, to be added to. @throws ClipwrightError ERR_DATA */
export async function* inEpochs<O extends LoaderOptions>(
  o: O,
  batchesOf: (o: O, epoch: number, from: number, bad: Set<number>) => AsyncGenerator<TrainingBatch>,
): AsyncGenerator<TrainingBatch> {
  checkBatchSize(o.source, o.batchSize)
  const bad = new Set(o.knownBad)
  const start = o.start ?? { epoch: 0, position: 0 }
  for (let epoch = start.epoch; epoch < o.epochs; epoch++)
    yield* batchesOf(o, epoch, epoch === start.epoch ? start.position : 0, bad)
}

async function* epochBatches(
  o: LoaderOptions,
  epoch: number,
  from: number,
  bad: Set<number>,
): AsyncGenerator<TrainingBatch> {
  const groups = o.positives?.groups(epoch)
  const apart = groups && { groups, batchSize: o.batchSize }
  const samples = iterate(o.source.samples({ seed: o.seed, epoch, from, apart }))
  const ahead = o.ahead ?? Math.max(2 * o.batchSize, 8)
  /** Where the epoch ends, there is no sample. */
  const queue: (Decoded | undefined | Promise<Decoded | undefined>)[] = []
  let ended = false
  const nextPlace = (o.places ?? new Places(o.batchSize, pictureBytes(o))).inOrder()
  const decodeNext = ({ value, done }: IteratorResult<PlacedSample, unknown>, place: Uint8Array) => {
    if (done) ended = true
    return done ? undefined : decodeOne(o, value as PlacedSample, epoch, place)
  }
  const launch = () => {
    while (!ended && queue.length < ahead) {
      // A sample that is there at once is decoded at once; one that must be read first is waited for in the queue.
      const next = samples.next()
      const place = nextPlace()
      const decoded = isPromise(next) ? next.then((one) => decodeNext(one, place)) : decodeNext(next, place)
      if (isPromise(decoded)) decoded.catch(() => {}) // a failure belongs to the batch that comes to it
      queue.push(decoded)
    }
  }
  try {
    while (true) {
      const begin = performance.now()
      const good: Decoded[] = []
      while (good.length < o.batchSize) {
        o.signal?.throwIfAborted()
        launch()
        const decoded = await queue.shift()
        if (!decoded) return // the epoch's rest does not fill a batch
        if (decoded.error) noteBad(o, decoded, bad)
        else good.push(decoded)
      }
      launch() // decoding goes on while the batch is used
      yield assemble(o, epoch, good, groups, performance.now() - begin)
    }
  } finally {
    await Promise.allSettled(queue)
    await samples.return?.()
  }
}

const pictureBytes = ({ size }: Pick<LoaderOptions, 'size'>) => size * size * 3

/** @param place where its pixels go */
export async function decodeOne(
  o: LoaderOptions,
  sample: PlacedSample,
  epoch: number,
  place: Uint8Array = new Uint8Array(pictureBytes(o)),
): Promise<Decoded> {
  try {
    o.signal?.throwIfAborted()
    const draws = drawsOf(sample, epoch)
    const pixels = await o.decode(sample.image, draws.index, draws.epoch, place)
    if (pixels && pixels !== place) place.set(pixels)
    return { sample, pixels: pixels && place }
  } catch (error) {
    return { sample, error: error as Error }
  }
}

function drawsOf({ draws, index }: PlacedSample, epoch: number): { epoch: number; index: number } {
  return draws ?? { epoch, index }
}

export function noteBad(o: LoaderOptions, { sample, error: cause }: Decoded, bad: Set<number>): void {
  o.signal?.throwIfAborted() // an abort looks like a failed decode; it is not the picture's fault
  if (!isPictureFault(cause)) throw cause
  const error = cause
  const { index, position, image } = sample
  if (bad.has(index)) return
  bad.add(index)
  const path = nameOf(image)
  o.onBadSample?.({ index, path, error })
  // A source that does not know its size is judged by what it has given so far.
  const size = o.source.size ?? position + 1
  if (bad.size >= BAD_COUNT && bad.size > BAD_SHARE * size)
    throw new ClipwrightError(
      'ERR_DATA',
      `${bad.size} of ${size} pictures of ${o.source.path} cannot be read, the last of them ${path} (${error.message}); repair or remove them`,
      { cause: error },
    )
}

export function assemble(
  o: LoaderOptions,
  epoch: number,
  good: readonly Decoded[],
  groups: Int32Array | undefined,
  waitMs: number,
): TrainingBatch {
  const pictures = good.flatMap(({ pixels }) => pixels ?? [])
  const data = together(pictures, pictureBytes(o))
  const decoded = Int32Array.from(good.flatMap(({ pixels }, i) => (pixels ? [i] : [])))
  const samples = good.map(({ sample }) => sample)
  return {
    epoch,
    pixels: { shape: [pictures.length, o.size, o.size, 3], data },
    ...(pictures.length < good.length && { decoded }),
    captions: samples.map((sample) => {
      const draws = drawsOf(sample, epoch)
      return captionOf(sample.captions, o.seed, draws.epoch, draws.index)
    }),
    indices: Int32Array.from(samples, ({ index }) => index),
    images: samples.map(({ image }) => image),
    ...(groups && { groups: Int32Array.from(samples, ({ index }) => groups[index]!) }),
    waitMs,
    next: { epoch, position: samples.at(-1)!.position + 1 },
  }
}

/** All of them in one array: the one that they lie in, if they are all that is in it and in order. */
function together(pictures: readonly Uint8Array[], bytes: number): Uint8Array {
  const whole = pictures[0]?.buffer
  if (
    whole?.byteLength === pictures.length * bytes &&
    pictures.every(({ buffer, byteOffset }, i) => buffer === whole && byteOffset === i * bytes)
  )
    return new Uint8Array(whole)
  const data = new Uint8Array(pictures.length * bytes)
  for (const [i, picture] of pictures.entries()) data.set(picture, i * bytes)
  return data
}
