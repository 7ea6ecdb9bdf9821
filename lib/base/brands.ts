/**
 * What a value is, by its brand and not by its class: under Jest, in `vm` contexts and in Electron a value may come from
 * another realm, whose classes are not ours. The brand is what `Object.prototype.toString` says.
 */

export const brandOf = (value: unknown): string => Object.prototype.toString.call(value).slice('[object '.length, -1)

export const isError = (value: unknown): value is Error => brandOf(value) === 'Error' || value instanceof Error
export const isRegExp = (value: unknown): value is RegExp => brandOf(value) === 'RegExp'
export const isUrl = (value: unknown): value is URL => brandOf(value) === 'URL'
export const isAbortSignal = (value: unknown): value is AbortSignal => brandOf(value) === 'AbortSignal'
export const isPromise = <T>(value: T | Promise<T>): value is Promise<T> => brandOf(value) === 'Promise'

type Arrays = {
  Float32Array: Float32Array
  Float64Array: Float64Array
  Int32Array: Int32Array
  Uint8Array: Uint8Array
}

export function isArray<K extends keyof Arrays>(value: unknown, kind: K): value is Arrays[K] {
  return brandOf(value) === kind
}
