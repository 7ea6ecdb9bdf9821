/** Features by the key of what they are of, in memory: rows that are added and never change. */

/** Of a key, in bytes: the first of a SHA-256. */
export const KEY_BYTES = 16
/** Rows in one piece of memory. */
const PIECE = 4096

export class FeatureRows {
  readonly dim: number
  /** Rows at most. */
  readonly most: number
  readonly #row = new Map<string, number>()
  readonly #pieces: Float32Array[] = []

  /** @param bytes that all rows may take */
  constructor(dim: number, bytes: number) {
    this.dim = dim
    this.most = Math.floor(bytes / (4 * dim + KEY_BYTES))
  }

  get count(): number {
    return this.#row.size
  }

  has(key: string): boolean {
    return this.#row.has(key)
  }

  /** [dim], to be read at once; undefined where there is none. */
  get(key: string): Float32Array | undefined {
    const row = this.#row.get(key)
    return row === undefined ? undefined : this.#at(row)
  }

  /** Keeps a row, unless it is there or there is no room for it. */
  add(key: string, values: Float32Array): void {
    if (this.#row.has(key) || this.count >= this.most) return
    const row = this.count
    if (row % PIECE === 0) this.#pieces.push(new Float32Array(Math.min(PIECE, this.most - row) * this.dim))
    this.#row.set(key, row)
    this.#at(row).set(values)
  }

  /** All keys in the order of the rows. */
  keys(): Iterable<string> {
    return this.#row.keys()
  }

  /** The first rows, so many of them, in pieces. */
  *pieces(count: number): Generator<Float32Array> {
    for (let first = 0; first < count; first += PIECE) {
      yield this.#pieces[first / PIECE]!.subarray(0, Math.min(PIECE, count - first) * this.dim)
    }
  }

  #at(row: number): Float32Array {
    const at = (row % PIECE) * this.dim
    return this.#pieces[Math.floor(row / PIECE)]!.subarray(at, at + this.dim)
  }
}
