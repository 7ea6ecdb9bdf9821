/**
 * Several sources as one. An epoch takes a fixed number of samples of each, by its size or its weight, in an order drawn for
 * the whole; each source keeps an order of its own and goes on where the last epoch left it. What comes when is thus a pure
 * function of seed, epoch and position, without loss or doubling within a pass over any source.
 */
import { createHash } from 'node:crypto'
import { isPromise } from '../base/brands.js'
import { Stream } from '../base/random.js'
import { some } from '../base/shorten.js'
import { iterate } from './iterate.js'
import { epochOrder } from './sampler.js'
import type { DataSource, EpochStart, PlacedSample, RetrievalView, Sample } from './source.js'

/** A source of known size, and how many of its samples an epoch has. */
type Part = { source: DataSource; size: number; share: number /** Of its first sample among all. */; offset: number }

/** So that sources of one size do not have one order. */
const SEED_STEP = 2 ** 40

export class MixedSource implements DataSource {
  readonly format = 'mix'
  readonly protocol = 'any'
  readonly path: string
  readonly size: number
  readonly #parts: readonly Part[]

  /**
   * @param sources of known size
   * @param weights the share of an epoch that each has; by default as many as it holds, so that an epoch has each sample once
   */
  constructor(sources: readonly DataSource[], weights?: readonly number[]) {
    const sizes = sources.map(({ size }) => size!)
    this.size = sizes.reduce((a, b) => a + b, 0)
    const shares = weights ? sharesOf(this.size, weights) : sizes
    let offset = 0
    this.#parts = sources.map((source, i) => {
      const part = { source, size: sizes[i]!, share: shares[i]!, offset }
      offset += part.size
      return part
    })
    this.path = some(
      sources.map(({ path }) => path),
      3,
    )
  }

  get notes(): readonly string[] {
    return this.#parts.flatMap(({ source }) => source.notes ?? [])
  }

  async identity(): Promise<string> {
    const hash = createHash('sha256')
    for (const { source, share } of this.#parts) hash.update(`${await source.identity()} ${share}\n`)
    return hash.digest('hex')
  }

  samples({ seed, epoch, from }: EpochStart): AsyncIterable<PlacedSample> {
    const order = epochOrder(this.size, seed, epoch, Stream.mixing)
    const partAt = this.#partsByNumber()
    const taken = this.#parts.map(() => 0)
    for (let position = 0; position < from; position++) taken[partAt[order[position]!]!]!++
    const streams = this.#parts.map((part, i) => new PartStream(part, seed + SEED_STEP * (i + 1), epoch, taken[i]!))
    let position = from
    const next = async (): Promise<IteratorResult<PlacedSample, undefined>> => {
      if (position >= this.size) return { done: true, value: undefined }
      const place = position++
      return { done: false, value: { ...(await streams[partAt[order[place]!]!]!.next()), position: place } }
    }
    const end = async (): Promise<IteratorResult<PlacedSample, undefined>> => {
      await Promise.all(streams.map((stream) => stream.close()))
      return { done: true, value: undefined }
    }
    return { [Symbol.asyncIterator]: () => ({ next, return: end }) }
  }

  sample(index: number): Promise<Sample> {
    const { source, offset } = this.#partWith(index)
    return source.sample(index - offset)
  }

  nameOf(index: number): string {
    const { source, offset } = this.#partWith(index)
    return source.nameOf(index - offset)
  }

  #partWith(index: number): Part {
    return this.#parts.findLast(({ offset, size }) => index >= offset && size > 0)!
  }

  async someCaptions(count: number): Promise<string[]> {
    const own = ({ source, size }: Part) => source.someCaptions(Math.max(1, Math.round((count * size) / this.size)))
    return (await Promise.all(this.#parts.map(own))).flat().slice(0, count)
  }

  async retrieval(): Promise<RetrievalView> {
    const views = await Promise.all(this.#parts.map(({ source }) => source.retrieval()))
    const pictures = views.flatMap((view) => [...view.pictures])
    const firsts = views.map((_, i) => views.slice(0, i).reduce((sum, view) => sum + view.pictures.length, 0))
    return {
      pictures,
      // An id is a name within one source alone.
      ids: views.flatMap(({ ids }, i) => ids.map((id) => id && `${i} ${id}`)),
      captions: views.flatMap((view) => [...view.captions]),
      imageOfCaption: views.flatMap((view, i) =>
        [...view.imageOfCaption].map((own) => [own].flat().map((picture) => picture + firsts[i]!)),
      ),
    }
  }

  /** Which part each of an epoch's numbers 0 .. size-1 stands for. */
  #partsByNumber(): Uint16Array {
    const parts = new Uint16Array(this.size)
    let at = 0
    for (const [i, { share }] of this.#parts.entries()) {
      parts.fill(i, at, at + share)
      at += share
    }
    return parts
  }
}

/** One source's samples, pass after pass. */
class PartStream {
  readonly #part: Part
  readonly #seed: number
  #pass: number
  #from: number
  #samples: Iterator<PlacedSample> | AsyncIterator<PlacedSample> | undefined

  constructor(part: Part, seed: number, epoch: number, taken: number) {
    this.#part = part
    this.#seed = seed
    const before = epoch * part.share + taken
    this.#pass = Math.floor(before / part.size)
    this.#from = before % part.size
  }

  async next(): Promise<Omit<PlacedSample, 'position'>> {
    const { source, size, offset } = this.#part
    if (this.#from === size) {
      this.#samples?.return?.()
      this.#samples = undefined
      this.#from = 0
      this.#pass++
    }
    const epoch = this.#pass
    this.#samples ??= iterate(source.samples({ seed: this.#seed, epoch, from: this.#from }))
    this.#from++
    const next = this.#samples.next()
    const { value } = isPromise(next) ? await next : next
    const index = (value as PlacedSample).index + offset
    return { ...(value as PlacedSample), index, draws: { epoch, index } }
  }

  async close(): Promise<void> {
    await this.#samples?.return?.()
  }
}

/** Whole numbers as the weights have it, whose sum is `size`: the largest remainders are rounded up. */
function sharesOf(size: number, weights: readonly number[]): number[] {
  const sum = weights.reduce((a, b) => a + b, 0)
  const exact = weights.map((weight) => (size * weight) / sum)
  const shares = exact.map(Math.floor)
  const byRemainder = exact.map((_, i) => i).sort((a, b) => exact[b]! - shares[b]! - (exact[a]! - shares[a]!) || a - b)
  const left = size - shares.reduce((a, b) => a + b, 0)
  for (const i of byRemainder.slice(0, left)) shares[i]!++
  return shares
}
