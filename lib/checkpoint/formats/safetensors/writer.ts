/** Writes safetensors files, one tensor in memory at a time. */
import { z } from 'zod'
import { isSize, requireOwnMemory } from '../../../base/arrays.js'
import { type ClipwrightError, invalid } from '../../../base/errors.js'
import { parseOptions, show } from '../../../base/options.js'
import type { TypedArray } from '../../../base/types.js'
import { type Append, appendBytes, type ByteWatcher } from '../../../files/append-bytes.js'
import { appendUncached } from '../../../files/append-uncached.js'
import { writeAtomically } from '../../../files/atomic-write.js'
import { isWellFormed } from '../../../files/well-formed.js'
import { DTYPE_NAMES, type Dtype, describeDtype, elementCount, isDtype, naturalDtype } from '../dtypes.js'
import { writeElements } from '../write-elements.js'
import { LENGTH_BYTES, MAX_HEADER_BYTES } from './header.js'

/** A tensor to be written. */
export type WritableTensor = {
  shape: readonly number[]
  /** Row-major, as many elements as the shape has. */
  data: TypedArray
  /** By default the array's own type. A Float32Array may also be rounded to F16 or BF16, a Uint8Array be BOOL. */
  dtype?: Dtype
}

/** A tensor whose values are asked for when their turn comes. */
export type TensorSource = { shape: readonly number[]; dtype: Dtype; read(): TypedArray | Promise<TypedArray> }

/** How a file goes to the disk. */
export type WriteManner = {
  /** Sees its bytes in their order. */
  watcher?: ByteWatcher | undefined
  /** Past the page cache, see `appendUncached`. */
  uncached?: boolean | undefined
}

/** `metadata` goes into the header, as strings. */
export type WriteOptions = { metadata?: Readonly<Record<string, string>> }

const Options = z.strictObject({ metadata: z.record(z.string(), z.string()).optional() })

/**
 * Writes a safetensors file aside and renames it, so that an earlier file survives every failure. The arrays are
 * copied before the call returns.
 *
 * @throws ClipwrightError ERR_INVALID_ARGUMENT when a shape, dtype, array or metadata value does not fit; ERR_IO
 */
export async function writeSafetensors(
  path: string,
  tensors: Readonly<Record<string, WritableTensor>>,
  options: WriteOptions = {},
): Promise<void> {
  if (typeof tensors !== 'object' || tensors === null) {
    throw invalid(`writeSafetensors expects an object of tensors by name, got ${show(tensors)}.`)
  }
  const sources = Object.entries(tensors).map(([name, tensor]) => [name, snapshot(name, tensor)] as const)
  await writeSafetensorsFrom(path, sources, options)
}

/**
 * Like {@link writeSafetensors}, for tensors that are produced one after the other, so that a checkpoint never lies in
 * memory whole. What `read` returns is written at once and must not change meanwhile.
 *
 * Tensors are laid out by element size and then by name, as the reference implementation does; that keeps them aligned.
 */
export async function writeSafetensorsFrom(
  path: string,
  sources: Iterable<readonly [name: string, source: TensorSource]>,
  options: WriteOptions = {},
  { watcher, uncached }: WriteManner = {},
): Promise<void> {
  parseOptions(Options, options, 'writeSafetensors')
  const inOrder = [...sources].sort(
    ([a, { dtype: s }], [b, { dtype: t }]) =>
      describeDtype(t).bytes - describeDtype(s).bytes || (a < b ? -1 : Number(a > b)),
  )
  const header = encodeHeader(inOrder, options.metadata)
  const fill = async (append: Append) => {
    await append(header)
    for (const [name, source] of inOrder) {
      const data = await source.read()
      const elements = elementCount(source.shape)
      if (data.length !== elements) throw lengthError(name, source.shape, data.length)
      await writeElements(append, data, source.dtype)
    }
  }
  await writeAtomically(path, (handle, aside) =>
    uncached ? appendUncached(handle, aside, fill, watcher) : fill((bytes) => appendBytes(handle, bytes, watcher)),
  )
}

/** The header's length and its JSON, padded with spaces so that the data start at a multiple of eight. */
function encodeHeader(
  sources: readonly (readonly [string, TensorSource])[],
  metadata: WriteOptions['metadata'],
): Buffer {
  const members: [string, unknown][] = []
  if (metadata) members.push(['__metadata__', metadata])
  for (const text of Object.entries(metadata ?? {}).flat()) requireWellFormed(text)
  let offset = 0
  for (const [name, { dtype, shape }] of sources) {
    if (name === '__metadata__') throw invalid('A tensor cannot be called "__metadata__"; pass options.metadata.')
    requireWellFormed(name)
    const end = offset + elementCount(shape) * describeDtype(dtype).bytes
    members.push([name, { dtype, shape, data_offsets: [offset, end] }])
    offset = end
  }
  const json = encodeObject(members)
  const unpadded = Buffer.byteLength(json)
  const length = Math.ceil(unpadded / 8) * 8
  if (length > MAX_HEADER_BYTES) {
    throw invalid(`The header would take ${length} bytes, more than the format's ${MAX_HEADER_BYTES}.`)
  }
  const header = Buffer.alloc(LENGTH_BYTES + length, ' ')
  header.writeBigUInt64LE(BigInt(length))
  header.write(json, LENGTH_BYTES)
  return header
}

/** Readers in other languages refuse half a surrogate pair, which no UTF-8 has. */
function requireWellFormed(text: string): void {
  if (isWellFormed(text)) return
  throw invalid(`writeSafetensors: ${JSON.stringify(text)} has half a surrogate pair, which such files cannot hold.`)
}

/** The members as a JSON object, in order; an object built key by key would take "__proto__" for itself. */
function encodeObject(members: readonly [string, unknown][]): string {
  return `{${members.map(([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value)}`).join(',')}}`
}

function snapshot(name: string, tensor: WritableTensor): TensorSource {
  const { shape, data, dtype } = Object(tensor) as WritableTensor
  const natural = naturalDtype(data)
  if (natural === undefined) throw invalid(`Tensor ${JSON.stringify(name)} needs a typed array as its data.`)
  requireOwnMemory(data, `Tensor ${JSON.stringify(name)}`)
  if (!Array.isArray(shape) || !shape.every(isSize)) {
    throw invalid(
      `Tensor ${JSON.stringify(name)} needs a shape of whole numbers from 0 up, got ${Array.isArray(shape) ? `[${shape.map(show).join(', ')}]` : show(shape)}.`,
    )
  }
  if (elementCount(shape) !== data.length) throw lengthError(name, shape, data.length)
  const stored = dtype ?? natural
  if (!isDtype(stored)) {
    throw invalid(`Tensor ${JSON.stringify(name)} asks for dtype ${show(dtype)}, none of ${DTYPE_NAMES.join(', ')}.`)
  }
  if (describeDtype(stored).array !== describeDtype(natural).array) {
    throw invalid(
      `Tensor ${JSON.stringify(name)} asks for dtype ${stored}, which is written from a ${describeDtype(stored).array.name}, not a ${data.constructor.name}.`,
    )
  }
  const copy = new (describeDtype(natural).array)(data.length)
  copy.set(data as never)
  return { shape: [...shape], dtype: stored, read: () => copy }
}

function lengthError(name: string, shape: readonly number[], length: number): ClipwrightError {
  return invalid(
    `Tensor ${JSON.stringify(name)} of shape [${shape.join(', ')}] needs ${elementCount(shape)} elements, got ${length}.`,
  )
}
