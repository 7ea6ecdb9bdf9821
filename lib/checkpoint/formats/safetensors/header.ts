/**
 * The header of a safetensors file: eight bytes of length, then JSON that says where each tensor lies in the bytes
 * after it. Nothing in it is believed before it is checked against the file's size.
 * Format: https://github.com/huggingface/safetensors#format
 */
import { isSize } from '../../../base/arrays.js'
import type { ClipwrightError } from '../../../base/errors.js'
import { findDuplicateKey } from '../../../files/duplicate-keys.js'
import { findOddNumber } from '../../../files/plain-numbers.js'
import { isWellFormed } from '../../../files/well-formed.js'
import { DTYPE_NAMES, elementBits, elementCount } from '../dtypes.js'
import { formatError as errorOfFormat, quote } from '../weight-file.js'

const NUMBERS: ReadonlySet<string> = new Set(['shape', 'data_offsets'])

/** Bytes before the JSON. */
export const LENGTH_BYTES = 8
/** The reference implementation's limit. */
export const MAX_HEADER_BYTES = 100_000_000

export type Entry = {
  /** Of those that such files have, whether it can be read here or not. */
  dtype: string
  shape: number[]
  /** First byte, counted from the end of the header. */
  begin: number
  end: number
}
export type Header = { entries: Map<string, Entry>; metadata: Record<string, string> }

const formatError = (path: string, problem: string, cause?: unknown): ClipwrightError =>
  errorOfFormat('safetensors', path, problem, cause)

/**
 * The header's length in bytes.
 * @param first the file's first eight bytes
 * @throws ClipwrightError ERR_FORMAT
 */
export function parseHeaderLength(path: string, first: Buffer, fileBytes: number): number {
  const length = first.readBigUInt64LE()
  if (length > MAX_HEADER_BYTES) {
    throw formatError(path, `its header claims ${length} bytes, more than the format's ${MAX_HEADER_BYTES}`)
  }
  const available = fileBytes - LENGTH_BYTES
  if (length > available) {
    throw formatError(path, `its header claims ${length} bytes, but only ${available} follow (a truncated file?)`)
  }
  return Number(length)
}

/**
 * Reads and checks the header: every tensor's dtype, shape and place, and that the tensors together cover the data
 * without holes or overlaps.
 *
 * @param json the header's bytes
 * @param dataBytes how many bytes follow the header in the file
 * @throws ClipwrightError ERR_FORMAT
 */
export function parseHeader(path: string, json: Uint8Array, dataBytes: number): Header {
  const entries = new Map<string, Entry>()
  let metadata: Record<string, string> = Object.create(null)
  const { text, value: header } = parseObject(path, json)
  for (const [name, value] of Object.entries(header)) {
    if (name === '__metadata__') {
      if (value !== null) metadata = checkMetadata(path, value)
      continue
    }
    if (!isWellFormed(name)) throw formatError(path, `the name ${quote(name)} has half a surrogate pair`)
    entries.set(name, checkEntry(path, name, value))
  }
  // As values they are whole; other readers go by their spelling.
  const odd = findOddNumber(text, NUMBERS)
  if (odd !== undefined) throw formatError(path, `its header has the number ${odd} where whole ones in digits belong`)
  checkCoverage(path, entries, dataBytes)
  return { entries, metadata }
}

function parseObject(path: string, json: Uint8Array): { text: string; value: object } {
  let text: string
  let value: unknown
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(json)
    value = JSON.parse(text)
  } catch (cause) {
    throw formatError(path, 'its header is not JSON', cause)
  }
  if (!isObject(value)) throw formatError(path, 'its header is not a JSON object')
  const duplicate = findDuplicateKey(text)
  if (duplicate !== undefined) throw formatError(path, `its header has the key ${quote(duplicate)} twice`)
  return { text, value }
}

function checkMetadata(path: string, value: unknown): Record<string, string> {
  if (!isObject(value)) throw formatError(path, 'its __metadata__ is not an object of strings')
  const metadata: Record<string, string> = Object.create(null)
  for (const [key, text] of Object.entries(value)) {
    if (typeof text !== 'string') throw formatError(path, `its __metadata__ entry ${quote(key)} is not a string`)
    if (!isWellFormed(key + text)) {
      throw formatError(path, `its __metadata__ entry ${quote(key)} has half a surrogate pair`)
    }
    metadata[key] = text
  }
  return metadata
}

function checkEntry(path: string, name: string, value: unknown): Entry {
  const bad = (problem: string) => formatError(path, `tensor ${quote(name)} ${problem}`)
  if (!isObject(value)) throw bad('is not described by an object')
  const { dtype, shape, data_offsets: offsets } = value as Record<string, unknown>
  const bits = elementBits(dtype)
  if (bits === undefined) throw bad(`has the dtype ${quote(dtype)}, which is none of ${DTYPE_NAMES.join(', ')}`)
  if (!Array.isArray(shape) || !shape.every(isSize)) {
    throw bad(`has the shape ${quote(shape)}, which is not a list of whole numbers from 0 up`)
  }
  if (!Array.isArray(offsets) || offsets.length !== 2 || !offsets.every(isSize)) {
    throw bad(`has the data_offsets ${quote(offsets)}, which are not two whole numbers from 0 up`)
  }
  const [begin, end] = offsets as [number, number]
  if (end < begin) throw bad(`ends at byte ${end}, before it begins at byte ${begin}`)
  const bytes = (elementCount(shape) * bits) / 8
  if (bytes !== end - begin) {
    throw bad(`has ${end - begin} bytes of data, but ${dtype} [${shape.join(', ')}] takes ${bytes}`)
  }
  return { dtype: dtype as string, shape, begin, end }
}

function checkCoverage(path: string, entries: Map<string, Entry>, dataBytes: number): void {
  const inOrder = [...entries].sort(([, a], [, b]) => a.begin - b.begin || a.end - b.end)
  let covered = 0
  for (const [name, { begin, end }] of inOrder) {
    if (end > dataBytes) {
      throw formatError(
        path,
        `tensor ${quote(name)} ends at byte ${end} of the data, but the file holds only ${dataBytes} (a truncated file?)`,
      )
    }
    if (begin < covered) throw formatError(path, `tensor ${quote(name)} overlaps the one before it at byte ${begin}`)
    if (begin > covered) {
      throw formatError(path, `bytes ${covered} to ${begin} before tensor ${quote(name)} belong to no tensor`)
    }
    covered = end
  }
  if (covered !== dataBytes) {
    throw formatError(path, `bytes ${covered} to ${dataBytes} at its end belong to no tensor`)
  }
}

const isObject = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
