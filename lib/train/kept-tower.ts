/** Features that one tower made, by the key of what they are of: in memory, and in a file once they are written. */
import { createHash } from 'node:crypto'
import type { Features } from '../clip/batch.js'
import type { FeatureFile } from '../data/features/feature-file.js'
import { type FeatureRows, KEY_BYTES } from '../data/features/feature-rows.js'

export class KeptTower {
  readonly rows: FeatureRows
  readonly #file: FeatureFile
  /** Of the rows. */
  written: number

  constructor(rows: FeatureRows, file: FeatureFile, written: number) {
    this.rows = rows
    this.#file = file
    this.written = written
  }

  /** Places of those keys whose features are not there, each where it comes for the first time. */
  missing(keys: readonly string[]): number[] {
    const first = new Map<string, number>()
    for (const [i, key] of keys.entries()) if (!first.has(key) && !this.rows.has(key)) first.set(key, i)
    return [...first.values()]
  }

  /**
   * Features in the order of `keys`; what is made is kept.
   * @param made keys of those that are not there
   * @param atOnce how many of them are made at a time
   * @param make those from `first` to `end`, [end - first, embed_dim]
   */
  async features(
    keys: readonly string[],
    made: readonly string[],
    atOnce: number,
    make: (first: number, end: number) => Promise<Float32Array>,
  ): Promise<Features> {
    const { rows } = this
    const { dim } = rows
    const own = new Map<string, Float32Array>()
    for (let first = 0; first < made.length; first += atOnce) {
      const end = Math.min(first + atOnce, made.length)
      const features = await make(first, end)
      for (let i = first; i < end; i++) own.set(made[i]!, features.subarray((i - first) * dim, (i - first + 1) * dim))
    }
    for (const [key, values] of own) rows.add(key, values)
    const features = new Float32Array(keys.length * dim)
    // Where there is no room for all rows, those just made are not among them.
    for (const [i, key] of keys.entries()) features.set(own.get(key) ?? rows.get(key)!, i * dim)
    return { features, count: keys.length }
  }

  /** Writes what is new. @throws ClipwrightError ERR_IO; errors of the file system */
  async write(): Promise<void> {
    if (this.rows.count === this.written) return
    this.written = this.rows.count
    await this.#file.write(this.rows)
  }
}

/** Of a picture's bytes or a caption's ids. */
export function keyOf(bytes: Uint8Array | Int32Array): string {
  const view = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  return createHash('sha256').update(view).digest().toString('latin1', 0, KEY_BYTES)
}
