/** A source whose samples are read when their turn comes: how many there are is known, and each can be had by its number. */
import { limited } from '../base/limited.js'
import { isPictureFault } from '../image/fault.js'
import type { ProtocolName } from './protocols.js'
import { viewOf } from './retrieval-view.js'
import { epochOrder } from './sampler.js'
import type { DataSource, EpochStart, PlacedSample, RetrievalView, Sample } from './source.js'

/** Samples that are looked at side by side where many are wanted at once. */
const AT_ONCE = 16

export type Records = {
  size: number
  /** The picture is read when it is wanted. @throws ClipwrightError */
  sample(index: number): Promise<Sample>
  /** The picture's bytes come with it, where both lie together. */
  whole?(index: number): Promise<Sample>
  /** What messages call a sample. */
  nameOf(index: number): { path: string; id: string }
}

export type Indexed = {
  path: string
  format: string
  protocol: ProtocolName
  split?: string | undefined
  records: Records
  identity: () => Promise<string>
  notes?: readonly string[]
}

export class IndexedSource implements DataSource {
  readonly path: string
  readonly format: string
  readonly protocol: ProtocolName
  readonly split?: string
  readonly notes: readonly string[]
  readonly identity: () => Promise<string>
  readonly #records: Records

  constructor({ path, format, protocol, split, records, identity, notes = [] }: Indexed) {
    this.path = path
    this.format = format
    this.protocol = protocol
    if (split !== undefined) this.split = split
    this.notes = notes
    this.identity = identity
    this.#records = records
  }

  get size(): number {
    return this.#records.size
  }

  sample(index: number): Promise<Sample> {
    return this.#records.sample(index)
  }

  /** Samples are read side by side: each `next` begins one, however many are under way. */
  samples({ seed, epoch, from }: EpochStart): AsyncIterable<PlacedSample> {
    const order = epochOrder(this.size, seed, epoch)
    let position = from
    const next = async (): Promise<IteratorResult<PlacedSample, undefined>> => {
      if (position >= order.length) return { done: true, value: undefined }
      const place = { position, index: order[position++]! }
      return { done: false, value: { ...(await this.#whole(place.index)), ...place } }
    }
    return { [Symbol.asyncIterator]: () => ({ next }) }
  }

  nameOf(index: number): string {
    const { path, id } = this.#records.nameOf(index)
    return `pair ${id} of ${path}`
  }

  async someCaptions(count: number): Promise<string[]> {
    const every = Math.ceil(this.size / count)
    const indices = Array.from({ length: Math.ceil(this.size / every) }, (_, i) => i * every)
    const look = limited(AT_ONCE, async (index: number) => {
      try {
        return [(await this.sample(index)).captions[0]!]
      } catch (error) {
        if (isPictureFault(error)) return []
        throw error
      }
    })
    return (await Promise.all(indices.map((index) => look(index)))).flat()
  }

  async retrieval(): Promise<RetrievalView> {
    const read = limited(AT_ONCE, (index: number) => this.sample(index))
    return viewOf(await Promise.all(Array.from({ length: this.size }, (_, i) => read(i))))
  }

  /** A caption that cannot be read is found where the picture would be: the loader lists both alike. */
  async #whole(index: number): Promise<Sample> {
    const records = this.#records
    try {
      return await (records.whole ? records.whole(index) : records.sample(index))
    } catch (error) {
      if (!isPictureFault(error)) throw error
      return { image: { ...records.nameOf(index), read: () => Promise.reject(error) }, captions: [''] }
    }
  }
}
