/** How a parameter lies in a library's files: under which names, in how many tensors, and which way round. */
import type { Tensor } from '../../base/types.js'
import { elementCount } from '../formats/dtypes.js'

export type ParameterShape = { name: string; shape: readonly number[] }

/** One tensor of a file, and where it lies in the parameter that it is, or is a part of. */
export type StoredPart = {
  name: string
  shape: readonly number[]
  /** The parameter's element that its own first one is. */
  first: number
  /** It is the whole parameter, a matrix, with rows and columns exchanged. */
  transposed: boolean
}

/** The parameter itself, under another name. */
export function whole({ shape }: ParameterShape, name: string): StoredPart {
  return { name, shape, first: 0, transposed: false }
}

/** The parameter as the core has it. */
export const same = (parameter: ParameterShape): StoredPart[] => [whole(parameter, parameter.name)]

/** A matrix [rows, cols] stored as [cols, rows]. */
export function transposed({ shape }: ParameterShape, name: string): StoredPart {
  return { name, shape: [...shape].reverse(), first: 0, transposed: true }
}

/** Equal parts of the first dimension, as q, k and v of one in_proj. */
export function split({ shape }: ParameterShape, names: readonly string[]): StoredPart[] {
  const part = [shape[0]! / names.length, ...shape.slice(1)]
  return names.map((name, i) => ({ name, shape: part, first: i * elementCount(part), transposed: false }))
}

/** A part's values as the file has them, from those of the parameter's elements that it is. */
export function toStored(part: StoredPart, values: Float32Array): Float32Array {
  return part.transposed ? transpose({ shape: [...part.shape].reverse(), data: values }) : values
}

/** The parameter's elements, from a part's values as the file has them. */
export function fromStored(part: StoredPart, values: Float32Array): Float32Array {
  return part.transposed ? transpose({ shape: [...part.shape], data: values }) : values
}

function transpose({ shape, data }: Tensor): Float32Array {
  const [rows, cols] = shape as [number, number]
  const out = new Float32Array(data.length) // [cols, rows]
  for (let r = 0; r < rows; r++) for (let c = 0; c < cols; c++) out[c * rows + r] = data[r * cols + c]!
  return out
}
