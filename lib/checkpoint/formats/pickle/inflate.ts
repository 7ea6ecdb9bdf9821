/** Entries of archives that somebody packed again, compressed: each is inflated whole, within bounds. */
import { promisify } from 'node:util'
import { inflateRaw } from 'node:zlib'
import { quote, type WeightFile } from '../weight-file.js'
import type { ZipEntry } from './zip.js'

const inflateBytes = promisify(inflateRaw)

/** Weights hardly shrink; what was made of zeros alone does. For a file of any size, and beside it for each of its bytes. */
const FREE_BYTES = 64 << 20
const BYTES_PER_BYTE = 16
/** Tensors that share a storage may ask for it again. */
const REPEATS = 4

export class Inflater {
  readonly #file: WeightFile
  #left: number
  /** The last entry: tensors of one storage mostly come one after the other. */
  #last: { entry: ZipEntry; bytes: Promise<Buffer> } | undefined

  constructor(file: WeightFile) {
    this.#file = file
    this.#left = REPEATS * (FREE_BYTES + BYTES_PER_BYTE * file.size)
  }

  /**
   * @param position of its data in the file
   * @throws ClipwrightError ERR_FORMAT when it does not inflate to what the directory says, or all of them to far too much
   */
  inflate(entry: ZipEntry, position: number): Promise<Buffer> {
    if (this.#last?.entry !== entry) this.#last = { entry, bytes: this.#read(entry, position) }
    return this.#last.bytes
  }

  async #read(entry: ZipEntry, position: number): Promise<Buffer> {
    const { name, fullSize } = entry
    const bad = (problem: string, cause?: unknown) =>
      this.#file.error(`entry ${quote(name)} is compressed, but ${problem}`, cause)
    this.#left -= fullSize
    if (this.#left < 0 || fullSize > FREE_BYTES + BYTES_PER_BYTE * this.#file.size) {
      throw bad(`inflates to far more than the file's ${this.#file.size} bytes`)
    }
    const stored = Buffer.alloc(entry.size)
    await this.#file.read(stored, position)
    let bytes: Buffer
    try {
      // One more than it may have, or a whole entry of no bytes would not pass.
      bytes = await inflateBytes(stored, { maxOutputLength: fullSize + 1 })
    } catch (cause) {
      throw bad(`does not inflate to its ${fullSize} bytes`, cause)
    }
    if (bytes.length !== fullSize) throw bad(`does not inflate to its ${fullSize} bytes`)
    return bytes
  }
}
