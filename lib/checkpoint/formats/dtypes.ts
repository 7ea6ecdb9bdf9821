/** The element types of safetensors files, and which typed array holds each of them here. Files and host are little-endian. */
import type { TypedArray } from '../../base/types.js'
import { roundToBfloat16, roundToFloat16, widenBfloat16, widenFloat16 } from './half-precision.js'

/** The element types of safetensors files, by their names there. */
export type Dtype =
  | 'F64'
  | 'F32'
  | 'F16'
  | 'BF16'
  | 'I64'
  | 'I32'
  | 'I16'
  | 'I8'
  | 'U64'
  | 'U32'
  | 'U16'
  | 'U8'
  | 'BOOL'

type ArrayType = { new (length: number): TypedArray; readonly name: string }

type Description = {
  /** Bytes of one element in the file. */
  bytes: number
  /** What holds the elements in memory. */
  array: ArrayType
  /** Where the file's elements are narrower than those in memory. */
  narrow?: {
    widen(from: Uint16Array, to: Float32Array): void
    round(from: Float32Array, to: Uint16Array): void
  }
}

const DTYPES: Readonly<Record<Dtype, Description>> = {
  F64: { bytes: 8, array: Float64Array },
  F32: { bytes: 4, array: Float32Array },
  F16: { bytes: 2, array: Float32Array, narrow: { widen: widenFloat16, round: roundToFloat16 } },
  BF16: { bytes: 2, array: Float32Array, narrow: { widen: widenBfloat16, round: roundToBfloat16 } },
  I64: { bytes: 8, array: BigInt64Array },
  I32: { bytes: 4, array: Int32Array },
  I16: { bytes: 2, array: Int16Array },
  I8: { bytes: 1, array: Int8Array },
  U64: { bytes: 8, array: BigUint64Array },
  U32: { bytes: 4, array: Uint32Array },
  U16: { bytes: 2, array: Uint16Array },
  U8: { bytes: 1, array: Uint8Array },
  BOOL: { bytes: 1, array: Uint8Array },
}

/** Bits of the elements that such files may have and that cannot be read here: they can only be listed. */
const UNREAD_BITS: ReadonlyMap<string, number> = new Map([
  ['F4', 4],
  ['F6_E2M3', 6],
  ['F6_E3M2', 6],
  ['F8_E5M2', 8],
  ['F8_E4M3', 8],
  ['F8_E8M0', 8],
  ['C64', 64],
])

/** Bits of an element of this type, whether it can be read or not; undefined for what no such file has. */
export function elementBits(name: unknown): number | undefined {
  return isDtype(name) ? DTYPES[name].bytes * 8 : UNREAD_BITS.get(name as string)
}

export const DTYPE_NAMES = Object.keys(DTYPES) as Dtype[]

export function isDtype(name: unknown): name is Dtype {
  return typeof name === 'string' && Object.hasOwn(DTYPES, name)
}

export function describeDtype(dtype: Dtype): Description {
  return DTYPES[dtype]
}

/** The type that keeps an array's elements as they are, or undefined for what is no array of numbers. */
export function naturalDtype(data: unknown): Dtype | undefined {
  return DTYPE_NAMES.find((name) => !DTYPES[name].narrow && data instanceof DTYPES[name].array)
}

/** Elements of a shape; a scalar's empty shape has one. */
export function elementCount(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1)
}
