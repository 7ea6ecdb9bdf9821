/** Tensors in files: https://github.com/huggingface/safetensors */
import type { TypedArray } from '../../../base/types.js'
import type { StoredPlace } from '../weight-file.js'
import { openSafetensors, type StoredTensor, type TensorInfo } from './reader.js'

export { openSafetensors, type SafetensorsFile, type StoredTensor, type TensorInfo } from './reader.js'
export {
  type TensorSource,
  type WritableTensor,
  type WriteOptions,
  writeSafetensors,
  writeSafetensorsFrom,
} from './writer.js'

/** Tensors that can be looked at and read one by one, from one file or several. */
export type StoredTensors = {
  /** What to call them in messages. */
  readonly path: string
  readonly entries: ReadonlyMap<string, TensorInfo>
  readonly metadata: Readonly<Record<string, string>>
  /** Globals of a pickle in place of which are placeholders: nothing of them was run. */
  readonly placeholders?: readonly string[]
  read(name: string): Promise<StoredTensor>
  /**
   * What `read` has as its data, a piece at a time where the file allows that: a large tensor need not be in memory whole. A
   * piece is good until the next is asked for.
   */
  pieces(name: string): AsyncIterable<TypedArray>
  /** Where the core can read the same itself; undefined where it lies otherwise. */
  place(name: string): StoredPlace | undefined
  close(): Promise<void>
}

/** A file in memory: tensors by name, and what the file says about itself. */
export type Safetensors = { tensors: Record<string, StoredTensor>; metadata: Record<string, string> }

/**
 * Reads a whole safetensors file. F16 and BF16 are widened to f32; `dtype` says what was stored. The records have no
 * prototype, so a tensor may have any name.
 *
 * @throws ClipwrightError ERR_NOT_FOUND, ERR_FORMAT when the file is not what it claims, ERR_UNSUPPORTED naming a tensor of
 *   eight-bit floats or complex numbers, ERR_OUT_OF_MEMORY, ERR_IO
 */
export async function readSafetensors(path: string): Promise<Safetensors> {
  const file = await openSafetensors(path)
  try {
    const tensors: Record<string, StoredTensor> = Object.create(null)
    for (const name of file.entries.keys()) tensors[name] = await file.read(name)
    return { tensors, metadata: file.metadata }
  } finally {
    await file.close()
  }
}
