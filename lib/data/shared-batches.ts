/**
 * Training batches of which each rank decodes its share. What a batch holds is what one process alone would put into it: the
 * next good samples of the epoch's order. Whether a sample is good its rank finds out, and all are told.
 */
import { performance } from 'node:perf_hooks'
import { ClipwrightError, type ErrorCode } from '../base/errors.js'
import { isPictureFault } from '../image/fault.js'
import { nameOf } from '../image/source.js'
import type { World } from '../ranks/world.js'
import { iterate } from './iterate.js'
import {
  assemble,
  type Decoded,
  decodeOne,
  inEpochs,
  type LoaderOptions,
  noteBad,
  type TrainingBatch,
} from './loader.js'
import type { PlacedSample } from './source.js'

/** A bad sample as ranks tell it. */
type Bad = { position: number; code: ErrorCode; message: string }

/**
 * As `trainingBatches`; pictures and captions are this rank's, `images`, `indices` and `groups` those of the whole batch.
 * @throws ClipwrightError what `trainingBatches` throws, and ERR_IO once a rank has ended
 */
export async function* sharedBatches(o: LoaderOptions & { world: World }): AsyncGenerator<TrainingBatch> {
  yield* inEpochs(o, epochBatches)
}

async function* epochBatches(
  o: LoaderOptions & { world: World },
  epoch: number,
  from: number,
  bad: Set<number>,
): AsyncGenerator<TrainingBatch> {
  const { world, batchSize } = o
  const groups = o.positives?.groups(epoch)
  const apart = groups && { groups, batchSize }
  const samples = iterate(o.source.samples({ seed: o.seed, epoch, from, apart }))
  const own = world.share(batchSize)
  /** Those after the last batch, in the epoch's order. */
  let waiting: PlacedSample[] = []
  const decoding = new Map<number, Promise<Decoded>>()
  const decode = (sample: PlacedSample) => {
    const begun = decoding.get(sample.position) ?? decodeOne(o, sample, epoch)
    decoding.set(sample.position, begun)
    return begun
  }
  const readTo = async (count: number) => {
    while (waiting.length < count) {
      const { value, done } = await samples.next()
      if (done) return
      const sample = value as PlacedSample
      if (!bad.has(sample.index)) waiting.push(sample)
    }
  }
  try {
    while (true) {
      o.signal?.throwIfAborted()
      const begin = performance.now()
      await readTo(2 * batchSize)
      const batch = waiting.slice(0, batchSize)
      if (batch.length < batchSize) return // the epoch's rest does not fill a batch
      const mine = batch.slice(own.first, own.first + own.count)
      const begun = mine.map(decode)
      // What this rank will most likely be asked for next.
      for (const sample of waiting.slice(batchSize + own.first, batchSize + own.first + own.count)) decode(sample)
      const decoded = await Promise.all(begun)
      const found = (await world.exchange(decoded.flatMap(asBad), 'loader')).flat()
      if (found.length === 0) {
        for (const { position } of batch) decoding.delete(position)
        waiting = waiting.slice(batchSize)
        const {
          indices: _,
          images: __,
          next: ___,
          ...rest
        } = assemble(o, epoch, decoded, undefined, performance.now() - begin)
        yield {
          ...rest,
          indices: Int32Array.from(batch, ({ index }) => index),
          images: batch.map(({ image }) => image),
          ...(groups && { groups: Int32Array.from(batch, ({ index }) => groups[index]!) }),
          next: { epoch, position: batch.at(-1)!.position + 1 },
        }
        continue
      }
      const faults = new Map(found.map((one) => [one.position, one]))
      for (const sample of batch) {
        const fault = faults.get(sample.position)
        if (fault) noteBad(o, { sample, error: new ClipwrightError(fault.code, fault.message) }, bad)
      }
      waiting = waiting.filter(({ position }) => !faults.has(position))
    }
  } finally {
    await Promise.allSettled(decoding.values())
    await samples.return?.()
  }
}

/** @throws what is not the picture's fault */
function asBad({ sample, error }: Decoded): Bad[] {
  if (!error) return []
  if (!isPictureFault(error)) throw error
  const { code = 'ERR_IMAGE' } = error as { code?: ErrorCode }
  return [{ position: sample.position, code, message: error.message || nameOf(sample.image) }]
}
