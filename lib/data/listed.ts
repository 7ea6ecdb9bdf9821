/** A source that is in memory as a list: what lists, tables and splits have in common once they are read. */
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { ClipwrightError } from '../base/errors.js'
import type { ImageAddress } from '../image/source.js'
import { keepApart } from './apart.js'
import { entryName } from './entry-name.js'
import type { ProtocolName } from './protocols.js'
import { viewOf } from './retrieval-view.js'
import { SampleStore } from './sample-store.js'
import { epochOrder } from './sampler.js'
import type { DataSource, EpochStart, PlacedSample, RetrievalView, Sample } from './source.js'

/** A caption and all pictures that it belongs to, by their positions in `items`. */
export type SharedCaption = { caption: string; items: number[] }

export type Listed = {
  /** The file that names the captions; its bytes are the data's identity. */
  path: string
  format: string
  protocol: ProtocolName
  items: readonly Sample[] | SampleStore
  split?: string | undefined
  /** Each caption once, where captions may belong to several pictures. */
  shared?: readonly SharedCaption[]
  /** Pictures without captions that are searched besides. */
  distractors?: readonly ImageAddress[]
  /** The data's identity, where it is not that of the bytes of a file. */
  digest?: string
  notes?: readonly string[]
}

export class ListedSource implements DataSource {
  readonly path: string
  readonly format: string
  readonly protocol: ProtocolName
  readonly split?: string
  readonly shared: readonly SharedCaption[] | undefined
  readonly distractors: readonly ImageAddress[]
  readonly notes: readonly string[]
  readonly #digest: string | undefined
  readonly #list: readonly Sample[] | SampleStore

  constructor({ path, format, protocol, items, split, shared, distractors = [], digest, notes = [] }: Listed) {
    this.path = path
    this.format = format
    this.protocol = protocol
    this.#list = items
    if (split !== undefined) this.split = split
    this.shared = shared
    this.distractors = distractors
    this.notes = notes
    this.#digest = digest
  }

  get size(): number {
    return this.#list.length
  }

  /** All of them, as objects of their own: for sets that are gone through as a whole. */
  get items(): readonly Sample[] {
    return this.#list instanceof SampleStore
      ? Array.from({ length: this.size }, (_, i) => this.#list.at(i)!)
      : this.#list
  }

  /** SHA-256 of the file, where there is one. @throws ClipwrightError ERR_IO */
  async identity(): Promise<string> {
    if (this.#digest !== undefined) return this.#digest
    const hash = createHash('sha256')
    try {
      for await (const chunk of createReadStream(this.path)) hash.update(chunk as Buffer)
    } catch (cause) {
      throw new ClipwrightError('ERR_IO', `could not read ${this.path}: ${(cause as Error).message}.`, { cause })
    }
    return hash.digest('hex')
  }

  *samples({ seed, epoch, from, apart }: EpochStart): Generator<PlacedSample, undefined> {
    const drawn = epochOrder(this.size, seed, epoch)
    const order = apart ? keepApart(drawn, apart) : drawn
    for (let position = from; position < order.length; position++) {
      const index = order[position]!
      yield { ...this.#list.at(index)!, index, position }
    }
  }

  async sample(index: number): Promise<Sample> {
    return this.#list.at(index)!
  }

  nameOf(index: number): string {
    return entryName(index, this.path)
  }

  async someCaptions(count: number): Promise<string[]> {
    const every = Math.ceil(this.size / count)
    return Array.from({ length: Math.ceil(this.size / every) }, (_, i) => this.#list.at(i * every)!.captions[0]!)
  }

  async retrieval(): Promise<RetrievalView> {
    const { items, shared, distractors } = this
    if (shared === undefined) return viewOf(items, distractors)
    const { pictures, ids } = viewOf(items, distractors)
    return { pictures, ids, captions: shared.map((s) => s.caption), imageOfCaption: shared.map((s) => s.items) }
  }
}
