/**
 * Weights of 8 bits: a tensor NAME of I8 [rows, …] with NAME_scale, F32 [rows], beside it. Row r stands for its integers times
 * scale r. No other library reads them under these names.
 */
import type { TypedArray } from '../../base/types.js'
import { elementCount } from './dtypes.js'
import type { StoredTensors, TensorInfo } from './safetensors/safetensors.js'

export const SCALE_SUFFIX = '_scale'

/** The largest magnitude of an integer. */
const LEVELS = 127

/** The same tensors; those that have scales are read as what they stand for, and have them no more beside. */
export function withScales(tensors: StoredTensors): StoredTensors {
  const { entries } = tensors
  const scaled = new Set(
    [...entries].filter(([name, info]) => isScaled(info, entries.get(name + SCALE_SUFFIX))).map(([name]) => name),
  )
  if (scaled.size === 0) return tensors
  const left = [...entries].filter(
    ([name]) => !(name.endsWith(SCALE_SUFFIX) && scaled.has(name.slice(0, -SCALE_SUFFIX.length))),
  )
  const scalesOf = async (name: string) => (await tensors.read(name + SCALE_SUFFIX)).data as Float32Array
  return {
    ...tensors,
    entries: new Map(left.map(([name, info]) => [name, scaled.has(name) ? { ...info, scaled: true as const } : info])),
    async read(name) {
      const stored = await tensors.read(name)
      if (!scaled.has(name)) return stored
      return { ...stored, data: widened(stored.data, await scalesOf(name), rowLength(stored.shape), 0) }
    },
    async *pieces(name) {
      if (!scaled.has(name)) return yield* tensors.pieces(name)
      const [scales, length] = [await scalesOf(name), rowLength(entries.get(name)!.shape)]
      let first = 0
      for await (const piece of tensors.pieces(name)) {
        yield widened(piece, scales, length, first)
        first += piece.length
      }
    },
    place: (name) => (scaled.has(name) ? undefined : tensors.place(name)),
    close: () => tensors.close(),
  }
}

function isScaled({ dtype, shape }: TensorInfo, scales: TensorInfo | undefined): boolean {
  return dtype === 'I8' && shape.length > 1 && scales?.dtype === 'F32' && scales.shape.join() === String(shape[0])
}

const rowLength = (shape: readonly number[]) => elementCount(shape.slice(1))

/** @param first of the integers, among those of its tensor */
function widened(integers: TypedArray, scales: Float32Array, length: number, first: number): Float32Array {
  const out = new Float32Array(integers.length)
  for (let i = 0; i < out.length; i++) out[i] = Number(integers[i]) * scales[Math.trunc((first + i) / length)]!
  return out
}

/**
 * Rows rounded to 8 bits, ties to even, each by its largest magnitude: what the core makes of them, too.
 * @param rows how many there are
 */
export function roundRows(values: Float32Array, rows: number): { integers: Int8Array; scales: Float32Array } {
  const length = values.length / rows
  const integers = new Int8Array(values.length)
  const scales = new Float32Array(rows)
  for (let r = 0; r < rows; r++) {
    const row = values.subarray(r * length, (r + 1) * length)
    const most = row.reduce((largest, x) => Math.max(largest, Math.abs(x)), 0)
    const by = Math.fround(LEVELS / most)
    scales[r] = most / LEVELS
    if (!Number.isFinite(by)) continue
    for (let i = 0; i < length; i++) integers[r * length + i] = toEven(Math.fround(row[i]! * by))
  }
  return { integers, scales }
}

function toEven(x: number): number {
  const up = Math.round(x)
  return up - x === 0.5 && up % 2 !== 0 ? up - 1 : up
}
