import type { DataSource, PlacedSample } from './source.js'

/** A source's samples one after the other, whether it has them at once or must read them first. */
export function iterate(
  samples: ReturnType<DataSource['samples']>,
): Iterator<PlacedSample> | AsyncIterator<PlacedSample> {
  return Symbol.asyncIterator in samples ? samples[Symbol.asyncIterator]() : samples[Symbol.iterator]()
}
