/** A tensor of a pickle, and where in the file its elements lie. */

import type { TypedArray } from '../../../base/types.js'
import { type Dtype, describeDtype, elementCount } from '../dtypes.js'
import { quote, type StoredPlace, type WeightFile } from '../weight-file.js'
import type { TensorView } from './values.js'

/** A storage's bytes in the file. */
export type Place = {
  begin: number
  bytes: number
  isBigEndian: boolean
  /** Where they are compressed: all of them, in which `begin` counts. */
  inflate?: () => Promise<Buffer>
}

export type ReadableTensor = {
  dtype: Dtype
  shape: readonly number[]
  /** In elements. */
  strides: readonly number[]
  /** Of the first element, in the file or in what it inflates to. */
  begin: number
  place: Place
}

/** One that can be looked at, but not read. */
export type PlacedTensor = ReadableTensor | { type: string; shape: readonly number[]; problem: string }

/** Elements that a tensor may have beyond those of its storage: an expanded one repeats them. */
const REPEATED_ELEMENTS = 4 << 20

/**
 * Checks that a tensor lies in its storage, and the storage in its place.
 * @throws ClipwrightError ERR_FORMAT when it does not
 */
export function placeTensor(file: WeightFile, name: string, tensor: TensorView, place: Place): PlacedTensor {
  const bad = (problem: string) => file.error(`tensor ${quote(name)} ${problem}`)
  const { storage, dtype, typeName, offset, shape, strides } = tensor
  if (dtype === undefined) {
    return { type: typeName, shape, problem: `has elements of type ${typeName}, which are not supported` }
  }
  const whole = storage.elements * storage.type.elementBytes
  if (whole > place.bytes) throw bad(`has a storage of ${whole} bytes, of which the file holds ${place.bytes}`)
  const { bytes } = describeDtype(dtype)
  const partBytes = storage.part.elements * storage.type.elementBytes
  const elements = elementCount(shape)
  const span = spanOf(shape, strides)
  if (!Number.isSafeInteger(elements)) throw bad(`has the shape [${shape.join(', ')}]`)
  if ((offset + span) * bytes > partBytes) {
    const needs = `needs elements ${offset} to ${offset + span}`
    throw bad(`of shape [${shape.join(', ')}] ${needs} of a storage that has ${Math.floor(partBytes / bytes)}`)
  }
  if (elements > partBytes / bytes + REPEATED_ELEMENTS) {
    throw bad(`repeats its storage's ${partBytes / bytes} elements to ${elements}, more than any model needs`)
  }
  const partAt = storage.part.offset * storage.type.elementBytes
  return { dtype, shape, strides, begin: place.begin + partAt + offset * bytes, place }
}

/** A tensor's values, row-major. @throws ClipwrightError ERR_FORMAT when the file was cut meanwhile, ERR_OUT_OF_MEMORY, ERR_IO */
export async function readPlaced(file: WeightFile, name: string, tensor: ReadableTensor): Promise<TypedArray> {
  const { dtype, shape, strides, begin, place } = tensor
  const source = { position: begin, isBigEndian: place.isBigEndian, bytes: await place.inflate?.() }
  const elements = elementCount(shape)
  if (isContiguous(shape, strides)) return file.readElements(name, dtype, elements, source)
  const span = spanOf(shape, strides)
  const stored = await file.readElements(name, dtype, span, source)
  const data = file.allocate(name, dtype, elements)
  gather(stored, data, shape, strides)
  return data
}

/** The same, a few at a time unless they are compressed or lie in another order. */
export async function* piecesOf(file: WeightFile, name: string, tensor: ReadableTensor): AsyncIterable<TypedArray> {
  const { dtype, shape, strides, begin, place } = tensor
  if (place.inflate || !isContiguous(shape, strides)) yield await readPlaced(file, name, tensor)
  else yield* file.readPieces(name, dtype, elementCount(shape), { position: begin, isBigEndian: place.isBigEndian })
}

/** Where the core can read them itself. */
export function placeForCore(file: WeightFile, tensor: ReadableTensor): StoredPlace | undefined {
  const { dtype, shape, strides, begin, place } = tensor
  if (place.inflate || !isContiguous(shape, strides)) return undefined
  return file.place(dtype, { position: begin, isBigEndian: place.isBigEndian })
}

/** Elements from the first to the last in the file. */
function spanOf(shape: readonly number[], strides: readonly number[]): number {
  return shape.includes(0) ? 0 : shape.reduce((last, size, i) => last + (size - 1) * strides[i]!, 1)
}

/** Whether elements in the order of the shape are those in the order of the file. A stride of a side of 1 means nothing. */
function isContiguous(shape: readonly number[], strides: readonly number[]): boolean {
  let step = 1
  for (let i = shape.length - 1; i >= 0; i--) {
    if (shape[i] !== 1 && strides[i] !== step) return shape.includes(0)
    step *= shape[i]!
  }
  return true
}

/** `to` row-major of `shape`, from where `strides` say. */
function gather(from: TypedArray, to: TypedArray, shape: readonly number[], strides: readonly number[]): void {
  const last = shape.length - 1
  const index = new Array<number>(last).fill(0)
  const [width, step] = [shape[last]!, strides[last]!]
  let row = 0
  for (let at = 0; at < to.length; ) {
    for (let i = 0; i < width; i++) to[at++] = from[row + i * step]!
    for (let axis = last - 1; axis >= 0; axis--) {
      row += strides[axis]!
      if (++index[axis]! < shape[axis]!) break
      row -= index[axis]! * strides[axis]!
      index[axis] = 0
    }
  }
}
