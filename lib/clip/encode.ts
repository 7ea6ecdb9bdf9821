/** Features of any number of inputs, a batch at a time. */

import { abortable } from '../base/abort.js'
import { isPromise } from '../base/brands.js'
import type { Tensor } from '../base/types.js'
import type { BadImage } from '../image/preprocess.js'
import type { Truncation } from '../tokenizer/truncation.js'

/** How features are computed. */
export type EncodeOptions = {
  /** Features of length 1; true by default. */
  normalize?: boolean
  /** Inputs at a time; 64 by default. */
  batchSize?: number
  /** Rejects with `signal.reason`; the batch that is running is not waited for. */
  signal?: AbortSignal
  /** Is told at the start and after each batch how many of all inputs are done. */
  onProgress?: (done: number, total: number) => void
}

/** How features of pictures are computed. */
export type EncodeImagesOptions = EncodeOptions & {
  /**
   * Is told of each picture that cannot be read, which then has no row in the result. Without it such a picture is an
   * error. Not for arrays, which are checked as a whole.
   */
  onBadImage?: (bad: BadImage) => void
}

/** How features of texts are computed. */
export type EncodeTextsOptions = EncodeOptions & {
  /** Whether texts that are longer than the context lose their end and keep their end token ('cut', the default) or are an error. */
  truncation?: Truncation | undefined
  /** Computes the padding's rows, too: the same features, for measuring; false by default. */
  fullContext?: boolean
}

type Source<T> = { count: number; read(from: number, to: number, signal?: AbortSignal): T | Promise<T> }

type InBatches = { batchSize: number; signal?: AbortSignal | undefined; onProgress?: EncodeOptions['onProgress'] }

/**
 * Runs the batches in order and gathers their features [count, dim]; fewer rows where a batch has fewer inputs than were
 * asked of it. The next batch is read while one is encoded. Up to the first `encode` nothing is awaited when `read`
 * returns at once, so that the core copies the caller's arrays before the call returns.
 */
export async function encodeInBatches<T>(
  source: Source<T>,
  dim: number,
  { batchSize, signal, onProgress }: InBatches,
  encode: (batch: T) => Promise<Float32Array>,
): Promise<Tensor> {
  signal?.throwIfAborted()
  const { count } = source
  onProgress?.(0, count)
  const data = new Float32Array(count * dim) // [count, dim]
  const readFrom = (from: number) => source.read(from, Math.min(from + batchSize, count), signal)
  let next = count > 0 ? readFrom(0) : undefined
  let rows = 0
  for (let from = 0; from < count; from += batchSize) {
    const batch = (isPromise(next) ? await abortable(next, signal) : next) as T
    const features = abortable(encode(batch), signal)
    next = undefined
    if (from + batchSize < count) {
      next = readAhead(() => readFrom(from + batchSize))
    }
    const found = await features // [at most batchSize, dim]
    data.set(found, rows * dim)
    rows += found.length / dim
    onProgress?.(Math.min(from + batchSize, count), count)
  }
  return { shape: [rows, dim], data: rows < count ? data.slice(0, rows * dim) : data }
}

/** A failure belongs to the round that uses the batch, even when an earlier one fails before it. */
function readAhead<T>(read: () => T | Promise<T>): Promise<T> {
  const ahead = (async () => read())()
  ahead.catch(() => {})
  return ahead
}
