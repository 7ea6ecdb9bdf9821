/** One graph with its weights in a file, or in files beside it where it would be larger than protobuf allows. */
import type { FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import { appendBytes } from '../../../files/append-bytes.js'
import { writeAtomically } from '../../../files/atomic-write.js'
import { writeElements } from '../../formats/write-elements.js'
import type { Graph } from './graph.js'
import { encodeModel, type Weight } from './model-proto.js'
import { STORAGES, type StorageType } from './storage.js'
import { bytesOf, type Sources, type Stored } from './stored.js'

/** Protobuf ends at 2 GiB, as do arrays of many browsers. */
const LARGEST_FILE = 2_000_000_000

/** So that runtimes may map them: data begin at pages. */
const PAGE = 4096

export type ModelFile = {
  /** Of the graph's file, such as `model_fp16.onnx`. */
  name: string
  graph: Graph
  tensors: Sources
  dtype: StorageType
  /** Bytes that no file is to exceed, where a weight alone does not. */
  largest?: number
}

/**
 * Writes it into an existing folder, one weight in memory at a time.
 * @returns how many files of data lie beside it, called as transformers.js has them: `model.onnx_data`, `model.onnx_data_1`, …
 */
export async function writeModelFile(folder: string, file: ModelFile): Promise<number> {
  const { name, graph, tensors: sources, dtype, largest = LARGEST_FILE } = file
  const { nodes, tensors } = STORAGES[dtype].store(graph, sources)
  const inline = tensors.map(
    (stored): Weight<Stored> => ({ ...stored, data: { bytes: bytesOf(stored), content: stored } }),
  )
  const whole = encodeModel(graph, name, nodes, inline)
  if (whole.bytes <= largest) {
    await writePieces(join(folder, name), whole.pieces)
    return 0
  }
  const files = place(tensors, name, largest)
  const placed = files.flatMap(({ location, items }) =>
    items.map(
      ({ stored, bytes, offset }): Weight<Stored> => ({ ...stored, data: { location, offset, length: bytes } }),
    ),
  )
  for (const { location, items } of files) {
    const pieces = items.flatMap(({ stored, bytes, gap }) => [new Uint8Array(gap), { bytes, content: stored }])
    await writePieces(join(folder, location), pieces)
  }
  await writePieces(join(folder, name), encodeModel(graph, name, nodes, placed).pieces)
  return files.length
}

type Placed = { stored: Stored; bytes: number; offset: number /** Bytes between the one before and it. */; gap: number }
type DataFile = { location: string; items: Placed[]; bytes: number }

function place(tensors: readonly Stored[], name: string, largest: number): DataFile[] {
  const files: DataFile[] = []
  for (const stored of tensors) {
    const bytes = bytesOf(stored)
    let file = files.at(-1)
    let offset = file ? Math.ceil(file.bytes / PAGE) * PAGE : 0
    if (!file || offset + bytes > largest) {
      const suffix = files.length === 0 ? '' : `_${files.length}`
      file = { location: `${name}_data${suffix}`, items: [], bytes: 0 }
      files.push(file)
      offset = 0
    }
    file.items.push({ stored, bytes, offset, gap: offset - file.bytes })
    file.bytes = offset + bytes
  }
  return files
}

async function writePieces(
  path: string,
  pieces: readonly (Uint8Array | { bytes: number; content: Stored })[],
): Promise<void> {
  await writeAtomically(path, async (handle) => {
    let small: Uint8Array[] = []
    const flush = async () => {
      if (small.length > 0) await handle.writeFile(Buffer.concat(small))
      small = []
    }
    for (const piece of pieces) {
      if (piece instanceof Uint8Array) small.push(piece)
      else {
        await flush()
        await writeValues(handle, piece.content)
      }
    }
    await flush()
  })
}

const DTYPES = { f32: 'F32', f16: 'F16', i8: 'I8', i64: 'I64' } as const

async function writeValues(handle: FileHandle, { type, read }: Stored): Promise<void> {
  await writeElements((bytes) => appendBytes(handle, bytes), await read(), DTYPES[type])
}
