import type { TypedArray } from '../../../base/types.js'
import { FIRST_BYTES, refuseOthers, tensorFormat } from '../content.js'
import { type Dtype, elementCount, isDtype } from '../dtypes.js'
import { type StoredPlace, unsupportedTensor, WeightFile } from '../weight-file.js'
import { type Entry, LENGTH_BYTES, parseHeader, parseHeaderLength } from './header.js'

/** A tensor as a file held it. */
export type StoredTensor = {
  /** As stored; F16 and BF16 arrive widened to f32. */
  dtype: Dtype
  shape: number[]
  /** Row-major. BOOL is a Uint8Array of 0 and 1, I64 a BigInt64Array. */
  data: TypedArray
}

/** `dtype`: its name in the file, whether such tensors can be read or not. */
export type TensorInfo = {
  dtype: string
  shape: readonly number[]
  /** in the file */
  byteLength: number
  /** Integers that are read as what they stand for, by scales that lie beside them: `withScales`. */
  scaled?: true
}

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
  const file = await WeightFile.open(path, 'safetensors')
  try {
    await refuseForeign(file)
    if (file.size < LENGTH_BYTES) {
      throw file.error(`it has ${file.size} bytes, fewer than the ${LENGTH_BYTES} of its header's length`)
    }
    const first = Buffer.alloc(LENGTH_BYTES)
    await file.read(first, 0)
    const headerBytes = parseHeaderLength(path, first, file.size)
    const json = new Uint8Array(headerBytes)
    await file.read(json, LENGTH_BYTES)
    const dataStart = LENGTH_BYTES + headerBytes
    const { entries, metadata } = parseHeader(path, json, file.size - dataStart)
    return new SafetensorsFile(file, dataStart, entries, metadata)
  } catch (error) {
    await file.close()
    throw error
  }
}

/** Says what a file is in place of this: a header's length that is none says little. */
async function refuseForeign(file: WeightFile): Promise<void> {
  const first = Buffer.alloc(Math.min(file.size, FIRST_BYTES))
  await file.read(first, 0)
  const format = tensorFormat(first)
  if (format === 'PyTorch') {
    throw file.error('it is a file of PyTorch; load it with Clip.load, which reads both')
  }
  if (format === undefined) refuseOthers(file.path, first)
}

export class SafetensorsFile {
  readonly path: string
  /** What the file holds, by name, in the header's order. */
  readonly entries: ReadonlyMap<string, TensorInfo>
  readonly metadata: Readonly<Record<string, string>>
  readonly #file: WeightFile
  readonly #dataStart: number
  readonly #places: ReadonlyMap<string, Entry>

  /** Use {@link openSafetensors}. */
  constructor(
    file: WeightFile,
    dataStart: number,
    places: ReadonlyMap<string, Entry>,
    metadata: Record<string, string>,
  ) {
    this.path = file.path
    this.metadata = metadata
    this.#file = file
    this.#dataStart = dataStart
    this.#places = places
    this.entries = new Map(
      Array.from(places, ([name, { dtype, shape, begin, end }]) => [name, { dtype, shape, byteLength: end - begin }]),
    )
  }

  /**
   * One tensor's values.
   * @throws ClipwrightError ERR_NOT_FOUND when the file has no such tensor, ERR_UNSUPPORTED for a type of elements that can
   *   only be listed, ERR_FORMAT when it was cut meanwhile,
   *   ERR_OUT_OF_MEMORY, ERR_IO
   */
  async read(name: string): Promise<StoredTensor> {
    const { dtype, shape, begin } = this.#place(name)
    const position = this.#dataStart + begin
    const data = await this.#file.readElements(name, dtype, elementCount(shape), { position })
    return { dtype, shape: [...shape], data }
  }

  /**
   * One tensor's values in their order, a few at a time.
   * @throws as `read`
   */
  pieces(name: string): AsyncIterable<TypedArray> {
    const { dtype, shape, begin } = this.#place(name)
    return this.#file.readPieces(name, dtype, elementCount(shape), { position: this.#dataStart + begin })
  }

  /** @internal Where the core can read it itself. @throws as `read` */
  place(name: string): StoredPlace | undefined {
    const { dtype, begin } = this.#place(name)
    return this.#file.place(dtype, { position: this.#dataStart + begin })
  }

  #place(name: string): Entry & { dtype: Dtype } {
    const place = this.#places.get(name)
    if (!place) throw this.#file.noTensor(name, this.#places.size)
    const { dtype } = place
    if (!isDtype(dtype)) {
      throw unsupportedTensor(this.path, name, `has elements of type ${dtype}, which are not supported`)
    }
    return { ...place, dtype }
  }

  async close(): Promise<void> {
    await this.#file.close()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }
}
