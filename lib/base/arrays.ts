/** Checks of the typed arrays that users hand in. */
import { isArray } from './brands.js'
import { invalid } from './errors.js'
import { show } from './options.js'

type Kinds = { Float32Array: Float32Array; Int32Array: Int32Array; Uint8Array: Uint8Array }

/**
 * The array, once it is of this kind and length and its memory is its own.
 * @param where names the value in messages: `images.data`
 * @throws ClipwrightError ERR_INVALID_ARGUMENT
 */
export function requireArray<K extends keyof Kinds>(value: unknown, kind: K, length: number, where: string): Kinds[K] {
  if (!isArray(value, kind)) throw invalid(`${where}: expected a ${kind}, got ${show(value)}`)
  requireOwnMemory(value, where)
  if (value.length !== length) throw invalid(`${where}: expected ${length} values, got ${value.length}`)
  return value
}

/** @throws ClipwrightError ERR_INVALID_ARGUMENT for an array whose memory is shared or was given away */
export function requireOwnMemory({ buffer }: ArrayBufferView, where: string): void {
  if (Object.prototype.toString.call(buffer) === '[object SharedArrayBuffer]') {
    throw invalid(`${where}: its memory is a SharedArrayBuffer, which may change while it is read; pass a copy`)
  }
  if (isDetached(buffer as ArrayBuffer)) {
    throw invalid(`${where}: its buffer was transferred elsewhere (detached); pass an array that still has its values`)
  }
}

/** Whether no value is NaN or infinite. */
export function allFinite(data: Float32Array): boolean {
  // 0 · x is 0 for every finite x and NaN otherwise: one pass without a branch, in four sums that do not wait for each other.
  let [a, b, c, d] = [0, 0, 0, 0]
  const { length } = data
  const whole = length - (length % 4)
  for (let i = 0; i < whole; i += 4) {
    a += 0 * data[i]!
    b += 0 * data[i + 1]!
    c += 0 * data[i + 2]!
    d += 0 * data[i + 3]!
  }
  for (let i = whole; i < length; i++) a += 0 * data[i]!
  return a + b + c + d === 0
}

/** @throws ClipwrightError ERR_INVALID_ARGUMENT naming the first value that is NaN or infinite */
export function requireFinite(data: Float32Array, where: string): void {
  if (allFinite(data)) return
  const at = data.findIndex((x) => !Number.isFinite(x))
  throw invalid(`${where}: expected finite numbers, got ${data[at]} at index ${at}`)
}

/**
 * The shape, once it has this many sizes; `null` stands for any.
 * @throws ClipwrightError ERR_INVALID_ARGUMENT
 */
export function requireShape(
  shape: unknown,
  expected: readonly (number | null)[],
  where: string,
  names: string,
): number[] {
  const fits =
    Array.isArray(shape) &&
    shape.length === expected.length &&
    shape.every((size, i) => isSize(size) && (expected[i] === null || size === expected[i]))
  if (fits) return shape
  const found = Array.isArray(shape) ? `[${shape.map(show).join(', ')}]` : show(shape)
  throw invalid(`${where}: expected shape ${names}, got ${found}`)
}

function isDetached(buffer: ArrayBuffer): boolean {
  if (buffer.byteLength > 0) return false
  try {
    new Uint8Array(buffer)
    return false
  } catch {
    return true
  }
}

/** A count, a length or a place: a whole number from 0 up that a number holds exactly. */
export const isSize = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0
