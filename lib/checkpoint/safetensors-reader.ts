/** Reads safetensors files: the header at once, tensors when they are asked for. */
import { type FileHandle, open } from 'node:fs/promises'
import { ClipwrightError } from '../errors.js'
import type { TypedArray } from '../types.js'
import { isFileSystemError } from './atomic-write.js'
import { checkPath } from './check-path.js'
import { type Dtype, describeDtype, elementCount } from './dtypes.js'
import { type Entry, formatError, LENGTH_BYTES, parseHeader, parseHeaderLength } from './safetensors-header.js'

/** A tensor as a file held it. */
export type StoredTensor = {
  /** As stored; F16 and BF16 arrive widened to f32. */
  dtype: Dtype
  shape: number[]
  /** Row-major. BOOL is a Uint8Array of 0 and 1, I64 a BigInt64Array. */
  data: TypedArray
}

export type TensorInfo = { dtype: Dtype; shape: readonly number[] /** in the file */; byteLength: number }

/** Between chunks the event loop runs. */
const CHUNK_BYTES = 1 << 20

/**
 * Opens a safetensors file and checks its header. Nothing else is read before `read`.
 *
 * @throws ClipwrightError ERR_NOT_FOUND, ERR_FORMAT when the header lies about the file, ERR_IO,
 *   ERR_INVALID_ARGUMENT when `path` is not a string
 * @example
 * await using file = await openSafetensors('model.safetensors')
 * const { shape, data } = await file.read('visual.proj')
 */
export async function openSafetensors(path: string): Promise<SafetensorsFile> {
  checkPath(path, 'Reading safetensors')
  const handle = await openFile(path)
  try {
    const { size } = await handle.stat()
    if (size < LENGTH_BYTES) {
      throw formatError(path, `it has ${size} bytes, fewer than the ${LENGTH_BYTES} of its header's length`)
    }
    const first = Buffer.alloc(LENGTH_BYTES)
    await readFully(handle, path, first, 0)
    const headerBytes = parseHeaderLength(path, first, size)
    const json = new Uint8Array(headerBytes)
    await readFully(handle, path, json, LENGTH_BYTES)
    const dataStart = LENGTH_BYTES + headerBytes
    const { entries, metadata } = parseHeader(path, json, size - dataStart)
    return new SafetensorsFile(path, handle, dataStart, entries, metadata)
  } catch (error) {
    await handle.close()
    throw readError(path, error)
  }
}

export class SafetensorsFile {
  readonly path: string
  /** What the file holds, by name, in the header's order. */
  readonly entries: ReadonlyMap<string, TensorInfo>
  readonly metadata: Readonly<Record<string, string>>
  readonly #handle: FileHandle
  readonly #dataStart: number
  readonly #places: ReadonlyMap<string, Entry>

  /** Use {@link openSafetensors}. */
  constructor(
    path: string,
    handle: FileHandle,
    dataStart: number,
    places: ReadonlyMap<string, Entry>,
    metadata: Record<string, string>,
  ) {
    this.path = path
    this.metadata = metadata
    this.#handle = handle
    this.#dataStart = dataStart
    this.#places = places
    this.entries = new Map(
      Array.from(places, ([name, { dtype, shape, begin, end }]) => [name, { dtype, shape, byteLength: end - begin }]),
    )
  }

  /**
   * One tensor's values.
   * @throws ClipwrightError ERR_NOT_FOUND when the file has no such tensor, ERR_FORMAT when it was cut meanwhile,
   *   ERR_OUT_OF_MEMORY, ERR_IO
   */
  async read(name: string): Promise<StoredTensor> {
    const place = this.#places.get(name)
    if (!place) {
      throw new ClipwrightError(
        'ERR_NOT_FOUND',
        `${this.path} has no tensor ${JSON.stringify(name)} among its ${this.#places.size}.`,
      )
    }
    const { dtype, shape } = place
    try {
      const data = allocate(this.path, name, place)
      await this.#readInto(data, place)
      return { dtype, shape: [...shape], data }
    } catch (error) {
      throw readError(this.path, error)
    }
  }

  async close(): Promise<void> {
    await this.#handle.close()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  async #readInto(data: TypedArray, { dtype, begin }: Entry): Promise<void> {
    const start = this.#dataStart + begin
    const { narrow, bytes } = describeDtype(dtype)
    if (!narrow) {
      await readFully(this.#handle, this.path, new Uint8Array(data.buffer), start)
      return
    }
    const values = data as Float32Array
    const chunk = new Uint16Array(Math.min(values.length, CHUNK_BYTES / bytes))
    for (let at = 0; at < values.length; at += chunk.length) {
      const stored = chunk.subarray(0, Math.min(chunk.length, values.length - at))
      await readFully(this.#handle, this.path, asBytes(stored), start + at * bytes)
      narrow.widen(stored, values.subarray(at, at + stored.length))
    }
  }
}

function allocate(path: string, name: string, { dtype, shape }: Entry): TypedArray {
  const elements = elementCount(shape)
  try {
    return new (describeDtype(dtype).array)(elements)
  } catch (cause) {
    throw new ClipwrightError(
      'ERR_OUT_OF_MEMORY',
      `Tensor ${JSON.stringify(name)} of ${path} needs an array of ${elements} elements, which could not be had.`,
      { cause },
    )
  }
}

export function asBytes(array: TypedArray): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength)
}

async function openFile(path: string): Promise<FileHandle> {
  try {
    return await open(path, 'r')
  } catch (error) {
    throw readError(path, error)
  }
}

/** Fills `into` from the file at `position`; one call of the system may return less than was asked for. */
async function readFully(handle: FileHandle, path: string, into: Uint8Array, position: number): Promise<void> {
  for (let filled = 0; filled < into.length; ) {
    const length = Math.min(into.length - filled, 64 << 20)
    const { bytesRead } = await handle.read(into, filled, length, position + filled)
    if (bytesRead === 0) throw formatError(path, `it ended at byte ${position + filled} while it was being read`)
    filled += bytesRead
  }
}

function readError(path: string, error: unknown): unknown {
  if (!isFileSystemError(error)) return error
  if (error.code === 'ENOENT' || error.code === 'ENOTDIR') {
    return new ClipwrightError('ERR_NOT_FOUND', `There is no file ${path}; check the path.`, { cause: error })
  }
  if (error.code === 'EISDIR') {
    return new ClipwrightError(
      'ERR_FORMAT',
      `${path} is a folder, but a safetensors file was expected; name the file in it.`,
      { cause: error },
    )
  }
  return new ClipwrightError('ERR_IO', `${path} could not be read (${error.message}).`, { cause: error })
}
