/**
 * A source that is read in blocks only, each from its beginning: a row group of Parquet.
 * Blocks come in an order drawn for each epoch, their samples go through a shuffle buffer. Both orders are drawn over numbers
 * alone, before anything is read, so that an epoch is known as a whole: no sample is lost or doubled, and a run goes on at
 * any position by reading just the blocks that still have samples to give.
 */
import { Draws, Stream } from '../base/random.js'
import { entryName } from './entry-name.js'
import type { ProtocolName } from './protocols.js'
import { viewOf } from './retrieval-view.js'
import { epochOrder } from './sampler.js'
import type { DataSource, EpochStart, PlacedSample, RetrievalView, Sample } from './source.js'

export type Block = {
  size: number
  /** All of its samples in their order, with the bytes of their pictures. @throws ClipwrightError */
  read(): AsyncIterable<Sample>
}

export type Blocks = {
  path: string
  format: string
  protocol: ProtocolName
  blocks: readonly Block[]
  /** Samples among which the next one is drawn. */
  shuffleBuffer: number
  identity: () => Promise<string>
  notes?: readonly string[]
}

export class BlockSource implements DataSource {
  readonly path: string
  readonly format: string
  readonly protocol: ProtocolName
  readonly notes: readonly string[]
  readonly identity: () => Promise<string>
  readonly size: number
  readonly #blocks: readonly Block[]
  readonly #starts: readonly number[]
  readonly #buffer: number
  /** The block that was asked for last, for who goes through the samples by number. */
  #last: { block: number; samples: Promise<Sample[]> } | undefined

  constructor({ path, format, protocol, blocks, shuffleBuffer, identity, notes = [] }: Blocks) {
    this.path = path
    this.format = format
    this.protocol = protocol
    this.notes = notes
    this.identity = identity
    this.#blocks = blocks
    this.#buffer = shuffleBuffer
    const starts = [0]
    for (const { size } of blocks) starts.push(starts.at(-1)! + size)
    this.#starts = starts
    this.size = starts.at(-1)!
  }

  async *samples({ seed, epoch, from }: EpochStart): AsyncGenerator<PlacedSample, undefined> {
    const sequence = epochOrder(this.#blocks.length, seed, epoch)
    const order = this.#order(sequence, seed, epoch)
    /** Where each sample stands in the epoch's order. */
    const placeOf = new Int32Array(order.length)
    for (const [position, index] of order.entries()) placeOf[index] = position
    const held = new Map<number, Sample>()
    const reading = this.#fromBlocks(sequence, (index) => placeOf[index]! >= from)
    try {
      for (let position = from; position < order.length; position++) {
        const index = order[position]!
        while (!held.has(index)) {
          const next = await reading.next()
          if (next.done) throw new Error(`${this.path} ended before its sample ${index}`)
          held.set(next.value.index, next.value.sample)
        }
        const sample = held.get(index)!
        held.delete(index)
        yield { ...sample, index, position }
      }
    } finally {
      await reading.return(undefined)
    }
  }

  async sample(index: number): Promise<Sample> {
    const block = this.#starts.findLastIndex((start) => start <= index)
    if (this.#last?.block !== block) this.#last = { block, samples: all(this.#blocks[block]!.read()) }
    return (await this.#last.samples)[index - this.#starts[block]!]!
  }

  nameOf(index: number): string {
    return entryName(index, this.path)
  }

  async someCaptions(count: number): Promise<string[]> {
    const own: string[] = []
    const every = Math.ceil(this.size / count)
    for (let index = 0; index < this.size; index += every) own.push((await this.sample(index)).captions[0]!)
    return own
  }

  /** Pictures are read again, block by block, when they are wanted: not all are in memory at once. */
  async retrieval(): Promise<RetrievalView> {
    const items: Sample[] = []
    for (const [block, { size }] of this.#blocks.entries()) {
      for (let i = 0; i < size; i++) {
        const index = this.#starts[block]! + i
        const { captions, id } = await this.sample(index)
        const read = async () => bytesOf(await this.sample(index))
        items.push({ image: { path: this.path, id: `row ${index + 1}`, read }, captions, id })
      }
    }
    return viewOf(items)
  }

  /** The numbers of an epoch's samples: those of the blocks one after the other, through the buffer. */
  #order(sequence: Int32Array, seed: number, epoch: number): Int32Array {
    const order = new Int32Array(this.size)
    const buffer: number[] = []
    const draws = new Draws(seed, Stream.order, epoch, 1)
    let position = 0
    const release = () => {
      const at = draws.below(buffer.length)
      order[position++] = buffer[at]!
      buffer[at] = buffer.at(-1)!
      buffer.pop()
    }
    for (const block of sequence) {
      for (let index = this.#starts[block]!; index < this.#starts[block + 1]!; index++) {
        buffer.push(index)
        if (buffer.length > this.#buffer) release()
      }
    }
    while (buffer.length > 0) release()
    return order
  }

  /** Samples of the blocks in this sequence, without those that nobody wants. The next block is begun with the one before. */
  async *#fromBlocks(
    sequence: Int32Array,
    wanted: (index: number) => boolean,
  ): AsyncGenerator<{ index: number; sample: Sample }, undefined> {
    const useful = [...sequence].filter((block) => this.#numbers(block).some(wanted))
    let next = begin(this.#blocks[useful[0]!])
    try {
      for (const [i, block] of useful.entries()) {
        const own = next
        next = begin(this.#blocks[useful[i + 1]!])
        for (const index of this.#numbers(block)) {
          const { value: sample, done } = await own!.next()
          if (done) throw new Error(`${this.path} has fewer samples than when it was opened`)
          if (wanted(index)) yield { index, sample }
        }
        await own!.end()
      }
    } finally {
      await next?.end()
    }
  }

  #numbers(block: number): number[] {
    const start = this.#starts[block]!
    return Array.from({ length: this.#starts[block + 1]! - start }, (_, i) => start + i)
  }
}

/** Asks for the first sample at once: a block takes its time to come. */
function begin(block: Block | undefined) {
  if (!block) return undefined
  const samples = block.read()[Symbol.asyncIterator]()
  let first: Promise<IteratorResult<Sample>> | undefined = samples.next()
  first.catch(() => {}) // a failure belongs to who takes the first
  return {
    next() {
      const next = first ?? samples.next()
      first = undefined
      return next
    },
    async end() {
      await first?.catch(() => {})
      await samples.return?.()
    },
  }
}

async function all(samples: AsyncIterable<Sample>): Promise<Sample[]> {
  const list: Sample[] = []
  for await (const sample of samples) list.push(sample)
  return list
}

async function bytesOf({ image }: Sample): Promise<Buffer> {
  return Buffer.isBuffer(image) ? image : (image as { read(): Promise<Buffer> }).read()
}
