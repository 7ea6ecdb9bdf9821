/** Samples drawn with replacement, as open_clip's `--dataset-resampled` draws shards: an epoch is a number of draws. */
import { createHash } from 'node:crypto'
import { Draws, Stream } from '../base/random.js'
import { isPictureFault } from '../image/fault.js'
import type { ProtocolName } from './protocols.js'
import type { DataSource, EpochStart, PlacedSample, RetrievalView, Sample } from './source.js'

export class ResampledSource implements DataSource {
  readonly #sources: readonly DataSource[]
  readonly #sizes: readonly number[]
  /** Up to which of numbers in 0 .. 1 each source is drawn. */
  readonly #bounds: readonly number[]
  /** What is not drawn is the same as without replacement. */
  readonly #whole: DataSource

  /**
   * @param whole all of the sources as one
   * @param weights how likely each is to be drawn; by default as it has samples, so that each sample is as likely as any other
   */
  constructor(whole: DataSource, sources: readonly DataSource[], weights?: readonly number[]) {
    this.#whole = whole
    this.#sources = sources
    this.#sizes = sources.map(({ size }) => size!)
    const likely = weights ?? this.#sizes
    const sum = likely.reduce((a, b) => a + b, 0)
    let bound = 0
    this.#bounds = likely.map((weight) => {
      bound += weight / sum
      return bound
    })
  }

  get path(): string {
    return this.#whole.path
  }

  get format(): string {
    return this.#whole.format
  }

  get protocol(): ProtocolName {
    return this.#whole.protocol
  }

  get notes(): readonly string[] {
    return this.#whole.notes ?? []
  }

  get size(): number {
    return this.#whole.size!
  }

  async identity(): Promise<string> {
    return createHash('sha256')
      .update(`resampled ${this.#bounds.join(' ')} ${await this.#whole.identity()}`)
      .digest('hex')
  }

  samples({ seed, epoch, from }: EpochStart): AsyncIterable<PlacedSample> {
    let position = from
    const next = async (): Promise<IteratorResult<PlacedSample, undefined>> => {
      if (position >= this.size) return { done: true, value: undefined }
      const place = position++
      const draws = new Draws(seed, Stream.resampling, epoch, place)
      const at = draws.next()
      const part = Math.max(
        0,
        this.#bounds.findIndex((bound) => at < bound),
      )
      const own = draws.below(this.#sizes[part]!)
      const index = own + this.#sizes.slice(0, part).reduce((a, b) => a + b, 0)
      const sample = await this.#take(part, own)
      return { done: false, value: { ...sample, index, position: place, draws: { epoch, index: place } } }
    }
    return { [Symbol.asyncIterator]: () => ({ next }) }
  }

  sample(index: number): Promise<Sample> {
    return this.#whole.sample(index)
  }

  nameOf(index: number): string {
    return this.#whole.nameOf(index)
  }

  someCaptions(count: number): Promise<string[]> {
    return this.#whole.someCaptions(count)
  }

  retrieval(): Promise<RetrievalView> {
    return this.#whole.retrieval()
  }

  async #take(part: number, own: number): Promise<Sample> {
    const source = this.#sources[part]!
    try {
      return await source.sample(own)
    } catch (error) {
      if (!isPictureFault(error)) throw error
      return { image: { path: source.path, id: String(own + 1), read: () => Promise.reject(error) }, captions: [''] }
    }
  }
}
