/** One look at all of a source: what is in it, and what would hurt a training on it. */
import { createHash } from 'node:crypto'
import { limited } from '../base/limited.js'
import { isPictureFault } from '../image/fault.js'
import type { PreprocessOptions } from '../image/preprocess.js'
import { bytesFitter } from '../image/preprocess.js'
import { type ImageAddress, nameOf, readAddress } from '../image/source.js'
import type { Tokenizer } from '../tokenizer/tokenizer.js'
import { EmptyCaption } from './caption-text.js'
import { EXAMPLES, Faults } from './faults.js'
import type { DataSource, Sample } from './source.js'

/** Samples that wait beside those that are looked at. */
const AHEAD = 4

/** How often something was found, and the first few. */
export type Found<T> = { count: number; examples: T[] }

/** What one look at all of a source found. */
export type DataReport = {
  path: string
  format: string
  samples: number
  captions: number
  /** What the source itself says of what it left out. */
  notes: string[]
  /** Pictures that cannot be decoded, samples whose captions cannot be read, and entries of lists that are not as they should be. */
  unreadable: Found<{ name: string; error: string }>
  /** Copies: pictures whose files are equal, byte for byte, to one before; each with the name of the first. */
  duplicates: Found<{ name: string; first: string }>
  /** Captions that are empty. They are among the unreadable, too. */
  empty: number
  /** Captions that were there before; `most` has those that come most often. */
  repeated: { count: number; distinct: number; most: { caption: string; times: number }[] }
  /** Captions longer than the model's context, which lose their end. */
  cut: Found<string>
  /** Start and end included; `counts[i]`: captions of i tokens, of which the last stands for all longer ones. */
  tokens: { contextLength: number; mean: number; longest: number; counts: number[] }
  /** Bytes of all pictures, encoded. */
  bytes: number
  /** Reading and decoding everything once, as an epoch does. */
  seconds: number
  samplesPerSecond: number
}

/** What two sources have in common. */
export type Leaks = { pictures: Found<{ train: string; val: string }>; captions: Found<string> }

/** The training data's findings, and with validation data theirs and what both share. */
export type CheckedData = DataReport & { val?: DataReport; leaks?: Leaks }

export type CheckOptions = {
  tokenizer: Tokenizer
  contextLength: number
  /** What pictures are fitted to. */
  preprocess: PreprocessOptions
  workers: number
  /** What was left out when the two were opened. */
  faults?: { train: Faults; val: Faults }
  onProgress?: ((done: number, total: number) => void) | undefined
  signal?: AbortSignal | undefined
}

/** @throws ClipwrightError what reading the source throws that no sample is to blame for; `signal.reason` */
export async function checkData(train: DataSource, val: DataSource | undefined, o: CheckOptions): Promise<CheckedData> {
  const total = (train.size ?? 0) + (val?.size ?? 0)
  const own = new Survey(train, o, o.faults?.train)
  await own.run((done) => o.onProgress?.(done, total))
  if (!val) return own.report()
  const other = new Survey(val, o, o.faults?.val, own)
  await other.run((done) => o.onProgress?.((train.size ?? 0) + done, total))
  return { ...own.report(), val: other.report(), leaks: other.leaks }
}

class Survey {
  /** What is in the training data, too. */
  readonly leaks: Leaks = { pictures: { count: 0, examples: [] }, captions: { count: 0, examples: [] } }
  readonly #source: DataSource
  readonly #train: Survey | undefined
  readonly #o: CheckOptions
  readonly #fit: (data: Buffer, name: string) => Promise<Uint8Array>
  /** The first picture of each digest, and how often each caption came, by digest. */
  readonly #pictures = new Map<string, string>()
  readonly #captions = new Map<string, number>()
  readonly #often = new Map<string, string>()
  readonly #unreadable: Found<{ name: string; error: string }>
  readonly #leftOut: number
  readonly #duplicates: Found<{ name: string; first: string }> = { count: 0, examples: [] }
  readonly #cut: Found<string> = { count: 0, examples: [] }
  readonly #counts: number[]
  #empty: number
  #all = 0
  #tokens = 0
  #longest = 0
  #bytes = 0
  #seconds = 0

  /**
   * @param faults what was left out of it
   * @param train what this one is held against
   */
  constructor(source: DataSource, o: CheckOptions, faults = new Faults(), train?: Survey) {
    this.#source = source
    this.#train = train
    this.#o = o
    this.#fit = bytesFitter(o.preprocess)
    this.#leftOut = faults.samples
    this.#unreadable = { count: faults.count, examples: [...faults.examples] }
    this.#empty = faults.empty
    this.#counts = new Array(o.contextLength + 2).fill(0)
  }

  async run(progress: (done: number) => void): Promise<void> {
    const { workers, signal } = this.#o
    const size = this.#source.size ?? 0
    const look = limited(workers, (index: number) => this.#look(index))
    const queue: Promise<() => void>[] = []
    const begin = performance.now()
    for (let index = 0, done = 0; done < size; ) {
      signal?.throwIfAborted()
      while (index < size && queue.length < AHEAD * workers) {
        const looked = look(index++)
        looked.catch(() => {}) // it belongs to who comes to it
        queue.push(looked)
      }
      // What was found is written down in the samples' order: who is the first of copies depends on nothing else.
      const note = await queue.shift()!
      note()
      progress(++done)
    }
    this.#seconds = (performance.now() - begin) / 1000
  }

  async #look(index: number): Promise<() => void> {
    let sample: Sample
    try {
      sample = await this.#source.sample(index)
    } catch (error) {
      if (!isPictureFault(error)) throw error
      const name = this.#source.nameOf(index)
      return () => {
        if (error.cause instanceof EmptyCaption) this.#empty++
        add(this.#unreadable, { name, error: error.message })
      }
    }
    const { image } = sample
    const captions = sample.captions.filter((caption) => caption !== '') // which stands for one that cannot be read
    const name = nameOf(image)
    const lengths = captions.map((caption) => this.#o.tokenizer.encode(caption).length + 2)
    const read = await this.#picture(image)
    return () => {
      for (const [i, caption] of captions.entries()) this.#caption(caption, lengths[i]!)
      if (read.isEmpty) this.#empty++
      if (read.error !== undefined) add(this.#unreadable, { name, error: read.error })
      if (read.digest === undefined) return
      this.#bytes += read.bytes
      const first = this.#pictures.get(read.digest)
      if (first !== undefined) return add(this.#duplicates, { name, first })
      this.#pictures.set(read.digest, name)
      const other = this.#train?.pictureWith(read.digest)
      if (other !== undefined) add(this.leaks.pictures, { train: other, val: name })
    }
  }

  async #picture(image: ImageAddress): Promise<{ digest?: string; bytes: number; error?: string; isEmpty?: boolean }> {
    let found: { digest?: string; bytes: number } = { bytes: 0 }
    try {
      const data = await readAddress(image)
      found = { digest: digestOf(data), bytes: data.length }
      await this.#fit(data, nameOf(image))
      return found
    } catch (error) {
      if (!isPictureFault(error)) throw error
      return { ...found, error: error.message, isEmpty: error.cause instanceof EmptyCaption }
    }
  }

  #caption(caption: string, length: number): void {
    this.#all++
    this.#tokens += length
    this.#longest = Math.max(this.#longest, length)
    const { contextLength } = this.#o
    const most = contextLength + 1
    this.#counts[Math.min(length, most)]!++
    if (length > contextLength) add(this.#cut, caption)
    const digest = digestOf(caption)
    const times = (this.#captions.get(digest) ?? 0) + 1
    this.#captions.set(digest, times)
    if (times === 2) this.#often.set(digest, caption)
    if (times === 1 && this.#train?.hasCaption(digest)) add(this.leaks.captions, caption)
  }

  pictureWith(digest: string): string | undefined {
    return this.#pictures.get(digest)
  }

  hasCaption(digest: string): boolean {
    return this.#captions.has(digest)
  }

  report(): DataReport {
    const { path, format, size = 0, notes = [] } = this.#source
    const most = [...this.#often].map(([digest, caption]) => ({ caption, times: this.#captions.get(digest)! }))
    return {
      path,
      format,
      samples: size + this.#leftOut,
      captions: this.#all,
      notes: [...notes],
      unreadable: this.#unreadable,
      duplicates: this.#duplicates,
      empty: this.#empty,
      repeated: {
        count: this.#all - this.#captions.size,
        distinct: this.#captions.size,
        most: most.sort((a, b) => b.times - a.times).slice(0, EXAMPLES),
      },
      cut: this.#cut,
      tokens: {
        contextLength: this.#o.contextLength,
        mean: this.#all === 0 ? 0 : this.#tokens / this.#all,
        longest: this.#longest,
        counts: this.#counts,
      },
      bytes: this.#bytes,
      seconds: this.#seconds,
      samplesPerSecond: this.#seconds === 0 ? 0 : size / this.#seconds,
    }
  }
}

function add<T>(found: Found<T>, example: T): void {
  found.count++
  if (found.examples.length < EXAMPLES) found.examples.push(example)
}

/** 128 bits of SHA-256: no two of a million are equal by chance. */
function digestOf(data: Buffer | string): string {
  return createHash('sha256').update(data).digest('base64').slice(0, 22)
}
