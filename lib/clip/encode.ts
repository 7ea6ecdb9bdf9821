/** Features of any number of inputs, a batch at a time. */
import { abortable } from '../base/abort.js'
import type { Tensor } from '../base/types.js'

/** How features are computed. */
export type EncodeOptions = {
  /** Features of length 1; true by default. */
  normalize?: boolean
  /** Inputs at a time; 64 by default. */
  batchSize?: number
  /** Rejects with `signal.reason`; the batch that is running is not waited for. */
  signal?: AbortSignal
}

type Source<T> = { count: number; read(from: number, to: number, signal?: AbortSignal): T | Promise<T> }

/**
 * Runs the batches in order and gathers their features [count, dim]. The next batch is read while one is encoded. Up
 * to the first `encode` nothing is awaited when `read` returns at once, so that the core copies the caller's arrays
 * before the call returns.
 */
export async function encodeInBatches<T>(
  source: Source<T>,
  dim: number,
  { batchSize, signal }: { batchSize: number; signal?: AbortSignal | undefined },
  encode: (batch: T) => Promise<Float32Array>,
): Promise<Tensor> {
  signal?.throwIfAborted()
  const { count } = source
  const data = new Float32Array(count * dim) // [count, dim]
  const readFrom = (from: number) => source.read(from, Math.min(from + batchSize, count), signal)
  let next = count > 0 ? readFrom(0) : undefined
  for (let from = 0; from < count; from += batchSize) {
    const batch = (next instanceof Promise ? await abortable(next, signal) : next) as T
    const features = abortable(encode(batch), signal)
    next = undefined
    if (from + batchSize < count) {
      next = readAhead(() => readFrom(from + batchSize))
    }
    data.set(await features, from * dim)
  }
  return { shape: [count, dim], data }
}

/** A failure belongs to the round that uses the batch, even when an earlier one fails before it. */
function readAhead<T>(read: () => T | Promise<T>): Promise<T> {
  const ahead = (async () => read())()
  ahead.catch(() => {})
  return ahead
}
