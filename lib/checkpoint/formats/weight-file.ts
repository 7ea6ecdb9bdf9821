/** A file of weights: read at positions, never whole. */
import { type FileHandle, open } from 'node:fs/promises'
import { getSystemErrorMap } from 'node:util'
import { ClipwrightError } from '../../base/errors.js'
import type { TypedArray } from '../../base/types.js'
import { isFileSystemError } from '../../files/atomic-write.js'
import { checkPath } from '../../files/check-path.js'
import { isMissing } from '../../files/exists.js'
import { requireRegularFile } from '../../files/regular-file.js'
import { type Dtype, describeDtype } from './dtypes.js'

/** What weights are stored as; in messages, too. */
export type FileFormat = 'safetensors' | 'PyTorch'

/** Between chunks the event loop runs. */
const CHUNK_BYTES = 1 << 20
const PIECE_ELEMENTS = 1 << 18

/** An ERR_FORMAT that says what is wrong with a file and what to do. */
export function formatError(format: FileFormat, path: string, problem: string, cause?: unknown): ClipwrightError {
  return new ClipwrightError(
    'ERR_FORMAT',
    `${path} is not a valid ${format} file: ${problem}; save or download it again.`,
    { cause },
  )
}

/** Of a tensor that can be listed, but not read: the rest of its file can. */
export function unsupportedTensor(path: string, name: string, problem: string): ClipwrightError {
  return new ClipwrightError('ERR_UNSUPPORTED', `${path}: tensor ${quote(name)} ${problem}.`)
}

/** A value from a file as JSON, cut where it would fill the screen. */
export function quote(value: unknown): string {
  const text = JSON.stringify(value) ?? 'undefined'
  return text.length > 80 ? `${text.slice(0, 80)}…` : text
}

/** Where elements lie one after the other. */
export type Source = {
  position: number
  isBigEndian?: boolean
  /** In place of the file's, where those are compressed. */
  bytes?: Buffer | undefined
}

/** Numbers that the core can read where they lie, and their file for what goes wrong. */
export type StoredPlace = { file: WeightFile; position: number; dtype: 'F32' | 'BF16' | 'F16' }

/** Where elements go: as they are stored, too, where they are narrower there. */
type Room = { data: TypedArray; stored?: Uint16Array | undefined }

export class WeightFile {
  readonly path: string
  readonly format: FileFormat
  /** In bytes, when it was opened. */
  readonly size: number
  readonly #handle: FileHandle
  /** Memory for pieces, while nobody reads any. */
  #spare: { data: Float32Array; stored: Uint16Array } | undefined

  private constructor(path: string, format: FileFormat, size: number, handle: FileHandle) {
    this.path = path
    this.format = format
    this.size = size
    this.#handle = handle
  }

  /** @throws ClipwrightError ERR_NOT_FOUND, ERR_FORMAT for a folder, ERR_IO, ERR_INVALID_ARGUMENT for no path */
  static async open(path: string, format: FileFormat): Promise<WeightFile> {
    checkPath(path, `Reading ${format}`)
    let handle: FileHandle | undefined
    try {
      await requireRegularFile(path)
      handle = await open(path, 'r')
      const stats = await handle.stat()
      if (stats.isDirectory()) throw folderError(path, format)
      return new WeightFile(path, format, stats.size, handle)
    } catch (error) {
      await handle?.close()
      throw readError(path, format, error)
    }
  }

  error(problem: string, cause?: unknown): ClipwrightError {
    return formatError(this.format, this.path, problem, cause)
  }

  /** What was asked for is not among the file's tensors. */
  noTensor(name: string, count: number): ClipwrightError {
    const message = `${this.path} has no tensor ${JSON.stringify(name)} among its ${count}.`
    return new ClipwrightError('ERR_NOT_FOUND', message)
  }

  /**
   * Fills `into` with the bytes from `position` on.
   * @throws ClipwrightError ERR_FORMAT when the file ends before, ERR_IO
   */
  async read(into: Uint8Array, position: number): Promise<void> {
    try {
      // One call of the system may return less than was asked for.
      for (let filled = 0; filled < into.length; ) {
        const length = Math.min(into.length - filled, 64 << 20)
        const { bytesRead } = await this.#handle.read(into, filled, length, position + filled)
        if (bytesRead === 0) throw this.#ended(position + filled)
        filled += bytesRead
      }
    } catch (error) {
      throw readError(this.path, this.format, error)
    }
  }

  /** For who reads it elsewhere. */
  get descriptor(): number {
    return this.#handle.fd
  }

  /** What is thrown where `position` could not be read: the file ended there, or the system says `error`, one of its numbers. */
  readFailure(position: number, error: number): unknown {
    if (error === 0) return this.#ended(position)
    const [code, description] = getSystemErrorMap().get(-error) ?? [`errno ${error}`, 'unknown error']
    const cause = Object.assign(new Error(`${code}: ${description}, read`), { code, errno: -error, syscall: 'read' })
    return readError(this.path, this.format, cause)
  }

  #ended(position: number): ClipwrightError {
    return this.error(`it ended at byte ${position} while it was being read`)
  }

  /** Where the core can read so much of a tensor itself; undefined where only `readPieces` can. */
  place(dtype: Dtype, { position, isBigEndian, bytes }: Source): StoredPlace | undefined {
    if (isBigEndian || bytes || (dtype !== 'F32' && dtype !== 'BF16' && dtype !== 'F16')) return undefined
    return { file: this, position, dtype }
  }

  /**
   * The elements of a tensor that lie one after the other; F16 and BF16 are widened on the way.
   * @throws ClipwrightError ERR_FORMAT when the file ends before, ERR_OUT_OF_MEMORY naming the tensor, ERR_IO
   */
  async readElements(
    tensor: string,
    dtype: Dtype,
    count: number,
    from: Source,
    { data, stored: narrowed }: Room = { data: this.allocate(tensor, dtype, count) },
  ): Promise<TypedArray> {
    const { narrow, bytes } = describeDtype(dtype)
    const fill = async (into: Uint8Array, at: number) => {
      const start = from.position + at * bytes
      if (from.bytes) into.set(from.bytes.subarray(start, start + into.length))
      else await this.read(into, start)
      if (from.isBigEndian) swapBytes(into, bytes)
    }
    if (!narrow) {
      await fill(asBytes(data), 0)
      return data
    }
    const values = data as Float32Array
    const chunk = narrowed ?? new Uint16Array(Math.min(count, CHUNK_BYTES / bytes))
    for (let at = 0; at < count; at += chunk.length) {
      const stored = chunk.subarray(0, Math.min(chunk.length, count - at))
      await fill(asBytes(stored), at)
      narrow.widen(stored, values.subarray(at, at + stored.length))
    }
    return data
  }

  /** The same, a few at a time; each in the memory of the one before. */
  async *readPieces(tensor: string, dtype: Dtype, count: number, from: Source): AsyncIterable<TypedArray> {
    const { bytes, narrow } = describeDtype(dtype)
    const most = Math.min(count, PIECE_ELEMENTS)
    // Of one tensor after the other in the same memory: garbage of each would be as much as the weights.
    const spare = this.#spare
    this.#spare = undefined
    const own = spare ?? { data: new Float32Array(PIECE_ELEMENTS), stored: new Uint16Array(PIECE_ELEMENTS) }
    const all = describeDtype(dtype).array === Float32Array ? own.data : this.allocate(tensor, dtype, most)
    const stored = narrow && own.stored
    for (let at = 0; at < count; at += PIECE_ELEMENTS) {
      const length = Math.min(PIECE_ELEMENTS, count - at)
      const data = all.subarray(0, length)
      yield await this.readElements(
        tensor,
        dtype,
        length,
        { ...from, position: from.position + at * bytes },
        { data, stored },
      )
    }
    this.#spare = own
  }

  /** Room for a tensor's values. @throws ClipwrightError ERR_OUT_OF_MEMORY naming it */
  allocate(tensor: string, dtype: Dtype, count: number): TypedArray {
    try {
      return new (describeDtype(dtype).array)(count)
    } catch (cause) {
      throw new ClipwrightError(
        'ERR_OUT_OF_MEMORY',
        `Tensor ${quote(tensor)} of ${this.path} needs an array of ${count} elements, which could not be had.`,
        { cause },
      )
    }
  }

  async close(): Promise<void> {
    await this.#handle.close()
  }
}

/** From one byte order to the other, in place. */
function swapBytes(bytes: Uint8Array, width: number): void {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (width === 2) buffer.swap16()
  else if (width === 4) buffer.swap32()
  else if (width === 8) buffer.swap64()
}

export function asBytes(array: TypedArray): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength)
}

function folderError(path: string, format: FileFormat, cause?: unknown): ClipwrightError {
  const message = `${path} is a folder, but a ${format} file was expected; name the file in it.`
  return new ClipwrightError('ERR_FORMAT', message, { cause })
}

function readError(path: string, format: FileFormat, error: unknown): unknown {
  if (!isFileSystemError(error)) return error
  if (isMissing(error)) {
    return new ClipwrightError('ERR_NOT_FOUND', `There is no file ${path}; check the path.`, { cause: error })
  }
  if (error.code === 'EISDIR') return folderError(path, format, error)
  return new ClipwrightError('ERR_IO', `${path} could not be read (${error.message}).`, { cause: error })
}
