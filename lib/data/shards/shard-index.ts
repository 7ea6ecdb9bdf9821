/**
 * What a shard holds: members by key, as webdataset groups them. A key is a member's path up to the first point of its name,
 * the rest, in lower case, says what the member is (webdataset, `tariterators.py`: base_plus_ext, group_by_keys); members
 * of one key that follow one another are one sample, until a kind comes again.
 */
import { createHash } from 'node:crypto'
import type { Member } from '../tar/members.js'

export type Part = { extension: string; offset: number; size: number; sparse: boolean }

/** What webdataset keeps for itself, and what systems leave in archives: `__meta__.json`, `._a.jpg`. */
const HIDDEN = /(^|\/)(__[^/]*__($|[/.])|\._|\.DS_Store$)/

const SPARSE = 0x8000

/** Arrays instead of objects: a million samples of three members are some 70 MiB. */
export type IndexArrays = {
  /** Of a sample: its first member; one more entry than samples. */
  first: Uint32Array
  /** Where its key ends in `keys`. */
  keyEnd: Uint32Array
  keys: Buffer
  /** Of a member: which of `extensions`, and a bit where it is sparse. */
  kind: Uint16Array
  offset: Float64Array
  size: Float64Array
  extensions: readonly string[]
  /** Whether the archive has its end mark. */
  ended: boolean
}

export class ShardIndex {
  readonly arrays: IndexArrays

  constructor(arrays: IndexArrays) {
    this.arrays = arrays
  }

  /** Samples, whatever they consist of. */
  get size(): number {
    return this.arrays.keyEnd.length
  }

  key(sample: number): string {
    const { keyEnd, keys } = this.arrays
    return keys.toString('utf8', sample === 0 ? 0 : keyEnd[sample - 1], keyEnd[sample])
  }

  /** A sample's member of the first of these kinds that it has: its number, or -1. */
  member(sample: number, kinds: readonly number[]): number {
    const { first, kind } = this.arrays
    for (const wanted of kinds)
      for (let i = first[sample]!; i < first[sample + 1]!; i++) if ((kind[i]! & ~SPARSE) === wanted) return i
    return -1
  }

  part(member: number): Part {
    const { kind, offset, size, extensions } = this.arrays
    const code = kind[member]!
    return {
      extension: extensions[code & ~SPARSE] ?? '',
      offset: offset[member]!,
      size: size[member]!,
      sparse: (code & SPARSE) !== 0,
    }
  }

  /** Equal for shards whose members have the same names, lengths and places. */
  digest(): string {
    const { first, keyEnd, keys, kind, offset, size, extensions } = this.arrays
    const hash = createHash('sha256').update(JSON.stringify(extensions))
    for (const array of [first, keyEnd, keys, kind, offset, size])
      hash.update(new Uint8Array(array.buffer, array.byteOffset, array.byteLength))
    return hash.digest('hex')
  }
}

/** Takes members as they come. */
export class IndexBuilder {
  readonly #first = new Growing(Uint32Array)
  readonly #keyEnd = new Growing(Uint32Array)
  readonly #kind = new Growing(Uint16Array)
  readonly #offset = new Growing(Float64Array)
  readonly #size = new Growing(Float64Array)
  readonly #keys: string[] = []
  #keyBytes = 0
  readonly #extensions = new Map<string, number>()
  #key: string | undefined
  #own = new Set<number>()

  add({ name, offset, size, sparse }: Member): void {
    if (HIDDEN.test(name)) return
    const slash = name.lastIndexOf('/') + 1
    const point = name.indexOf('.', slash)
    // webdataset takes no names without a point, nor those that begin with it.
    if (point <= slash) return
    const key = name.slice(0, point)
    const kind = this.#kindOf(name.slice(point + 1).toLowerCase())
    if (key !== this.#key || this.#own.has(kind)) {
      this.#key = key
      this.#own = new Set()
      this.#keys.push(key)
      this.#keyBytes += Buffer.byteLength(key)
      this.#first.push(this.#kind.length)
      this.#keyEnd.push(this.#keyBytes)
    }
    this.#own.add(kind)
    this.#kind.push(sparse ? kind | SPARSE : kind)
    this.#offset.push(offset)
    this.#size.push(size)
  }

  finish(ended: boolean): ShardIndex {
    this.#first.push(this.#kind.length)
    return new ShardIndex({
      first: this.#first.take(),
      keyEnd: this.#keyEnd.take(),
      keys: Buffer.from(this.#keys.join('')),
      kind: this.#kind.take(),
      offset: this.#offset.take(),
      size: this.#size.take(),
      extensions: [...this.#extensions.keys()],
      ended,
    })
  }

  /** Those after the 32,767th kind are all the same: no sample has so many that anybody asks for. */
  #kindOf(extension: string): number {
    const known = this.#extensions.get(extension)
    if (known !== undefined) return known
    const kind = Math.min(this.#extensions.size, SPARSE - 1)
    if (kind < SPARSE - 1) this.#extensions.set(extension, kind)
    return kind
  }
}

type Numbers = Uint16Array | Uint32Array | Float64Array

/** An array that doubles when it is full. */
class Growing<T extends Numbers> {
  readonly #make: new (
    length: number,
  ) => T
  #array: T
  length = 0

  constructor(make: new (length: number) => T) {
    this.#make = make
    this.#array = new make(1024)
  }

  push(value: number): void {
    if (this.length === this.#array.length) {
      const more = new this.#make(2 * this.length)
      more.set(this.#array)
      this.#array = more
    }
    this.#array[this.length++] = value
  }

  take(): T {
    return this.#array.slice(0, this.length) as T
  }
}
