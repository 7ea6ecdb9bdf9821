/**
 * Training batches in the epoch's order, decoded ahead of their use. Decoding runs side by side and finishes in any
 * order; batches are put together strictly in order, so what a batch holds depends on nothing but the seed and the files.
 */
import { performance } from 'node:perf_hooks'
import { ClipwrightError } from '../base/errors.js'
import type { Pixels } from '../base/types.js'
import { shortageOf } from '../files/shortage.js'
import type { CaptionList } from './caption-list.js'
import { type Cursor, captionOf, epochOrder } from './sampler.js'

export type BadSample = { index: number; path: string; error: Error }

export type TrainingBatch = {
  epoch: number
  pixels: Pixels
  captions: string[]
  /** Positions in the caption list. */
  indices: Int32Array
  /** How long the batch was waited for, in milliseconds. */
  waitMs: number
  /** Where the batch after this one begins. */
  next: Cursor
}

export type LoaderOptions = {
  list: CaptionList
  batchSize: number
  /** Model's image side, in pixels. */
  size: number
  seed: number
  start?: Cursor
  /** Epochs to run, counted from 0: the last is epochs - 1. */
  epochs: number
  /** One picture as [size, size, 3] RGB, augmented for this epoch. */
  decode: (path: string, index: number, epoch: number) => Promise<Uint8Array>
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

type Decoded = { position: number; index: number; pixels?: Uint8Array; error?: Error }

/** @throws ClipwrightError ERR_DATA when the list holds less than one batch. */
export function checkBatchSize(list: CaptionList, batchSize: number, what = 'training'): void {
  if (list.items.length < batchSize)
    throw new ClipwrightError(
      'ERR_DATA',
      `the ${what} list ${list.path} holds ${list.items.length} pictures, less than one batch of ${batchSize}; add pictures or lower batchSize`,
    )
}

/**
 * Yields the batches of all epochs from `start` on. What is left of an epoch that does not fill a batch is dropped.
 * @throws ClipwrightError ERR_DATA when more than 1 % of the samples (and at least 10) are bad.
 */
export async function* trainingBatches(o: LoaderOptions): AsyncGenerator<TrainingBatch> {
  checkBatchSize(o.list, o.batchSize)
  const bad = new Set(o.knownBad)
  const start = o.start ?? { epoch: 0, position: 0 }
  for (let epoch = start.epoch; epoch < o.epochs; epoch++)
    yield* epochBatches(o, epoch, epoch === start.epoch ? start.position : 0, bad)
}

async function* epochBatches(
  o: LoaderOptions,
  epoch: number,
  from: number,
  bad: Set<number>,
): AsyncGenerator<TrainingBatch> {
  const { items } = o.list
  const order = epochOrder(items.length, o.seed, epoch)
  const ahead = o.ahead ?? Math.max(2 * o.batchSize, 8)
  const queue: Promise<Decoded>[] = []
  let launched = from
  const launch = () => {
    while (launched < order.length && queue.length < ahead) {
      queue.push(decodeOne(o, order, launched, epoch))
      launched++
    }
  }
  try {
    while (items.length > 0) {
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
      yield assemble(o, epoch, good, performance.now() - begin)
    }
  } finally {
    await Promise.allSettled(queue)
  }
}

async function decodeOne(o: LoaderOptions, order: Int32Array, position: number, epoch: number): Promise<Decoded> {
  const index = order[position] as number
  try {
    o.signal?.throwIfAborted()
    return { position, index, pixels: await o.decode((o.list.items[index] as { image: string }).image, index, epoch) }
  } catch (error) {
    return { position, index, error: error as Error }
  }
}

function noteBad(o: LoaderOptions, decoded: Decoded, bad: Set<number>): void {
  o.signal?.throwIfAborted() // an abort looks like a failed decode; it is not the picture's fault
  const error = decoded.error as Error
  // What is wrong with the machine or the caller is not wrong with the picture.
  if (shortageOf(error)) throw error
  if (error instanceof ClipwrightError && !['ERR_IMAGE', 'ERR_NOT_FOUND', 'ERR_IO'].includes(error.code)) throw error
  if (bad.has(decoded.index)) return
  bad.add(decoded.index)
  const path = (o.list.items[decoded.index] as { image: string }).image
  o.onBadSample?.({ index: decoded.index, path, error })
  if (bad.size >= BAD_COUNT && bad.size > BAD_SHARE * o.list.items.length)
    throw new ClipwrightError(
      'ERR_DATA',
      `${bad.size} of ${o.list.items.length} pictures of ${o.list.path} cannot be read, the last of them ${path} (${error.message}); repair or remove them`,
      { cause: error },
    )
}

function assemble(o: LoaderOptions, epoch: number, good: Decoded[], waitMs: number): TrainingBatch {
  const one = o.size * o.size * 3
  const data = new Uint8Array(good.length * one)
  const indices = Int32Array.from(good, (d) => d.index)
  for (const [i, d] of good.entries()) data.set(d.pixels as Uint8Array, i * one)
  const captions = good.map((d) =>
    captionOf((o.list.items[d.index] as { captions: string[] }).captions, o.seed, epoch, d.index),
  )
  const position = (good.at(-1) as Decoded).position + 1
  return {
    epoch,
    pixels: { shape: [good.length, o.size, o.size, 3], data },
    captions,
    indices,
    waitMs,
    next: { epoch, position },
  }
}
