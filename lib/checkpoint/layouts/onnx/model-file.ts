/** One graph with its weights in a file, or in files beside it where it would be larger than protobuf allows. */
import type { FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import { writeAtomically } from '../../../files/atomic-write.js'
import { elementCount } from '../../formats/dtypes.js'
import { writeElements } from '../../formats/write-elements.js'
import type { SavedModel } from '../layout.js'
import type { Graph } from './graph.js'
import { encodeModel, type Weight } from './model-proto.js'

/** Protobuf ends at 2 GiB, as do arrays of many browsers. */
const LARGEST_FILE = 2_000_000_000

/** So that runtimes may map them: data begin at pages. */
const PAGE = 4096

type Source = SavedModel['tensors'][number][1]

/** What a file holds of one weight's values. */
type Values = { source: Source; dtype: 'F32' | 'F16' }

export type ModelFile = {
  /** Of the graph's file, such as `model_fp16.onnx`. */
  name: string
  graph: Graph
  tensors: ReadonlyMap<string, Source>
  dtype: 'F32' | 'F16'
  /** Bytes that no file is to exceed, where a weight alone does not. */
  largest?: number
}

/**
 * Writes it into an existing folder, one weight in memory at a time.
 * @returns how many files of data lie beside it, called as transformers.js has them: `model.onnx_data`, `model.onnx_data_1`, …
 */
export async function writeModelFile(folder: string, file: ModelFile): Promise<number> {
  const { name, graph, tensors, dtype, largest = LARGEST_FILE } = file
  const width = dtype === 'F16' ? 2 : 4
  const weights = [...graph.weights].map((weight) => {
    const source = tensors.get(weight)!
    return { name: weight, source, bytes: elementCount(source.shape) * width }
  })
  const inline = weights.map(
    ({ name, source, bytes }): Weight<Values> => ({
      name,
      shape: source.shape,
      half: dtype === 'F16',
      data: { bytes, content: { source, dtype } },
    }),
  )
  const whole = encodeModel(graph, name, inline)
  if (whole.bytes <= largest) {
    await writePieces(join(folder, name), whole.pieces)
    return 0
  }
  const files = place(weights, name, largest)
  const placed = files.flatMap(({ location, items }) =>
    items.map(
      ({ name, source, bytes, offset }): Weight<Values> => ({
        name,
        shape: source.shape,
        half: dtype === 'F16',
        data: { location, offset, length: bytes },
      }),
    ),
  )
  for (const { location, items } of files) {
    const pieces = items.flatMap(({ source, bytes, gap }) => [
      new Uint8Array(gap),
      { bytes, content: { source, dtype } },
    ])
    await writePieces(join(folder, location), pieces)
  }
  await writePieces(join(folder, name), encodeModel(graph, name, placed).pieces)
  return files.length
}

type Sized = { name: string; source: Source; bytes: number }
type Placed = Sized & { offset: number /** Bytes between the one before and it. */; gap: number }
type DataFile = { location: string; items: Placed[]; bytes: number }

function place(weights: readonly Sized[], name: string, largest: number): DataFile[] {
  const files: DataFile[] = []
  for (const weight of weights) {
    let file = files.at(-1)
    let offset = file ? Math.ceil(file.bytes / PAGE) * PAGE : 0
    if (!file || offset + weight.bytes > largest) {
      const suffix = files.length === 0 ? '' : `_${files.length}`
      file = { location: `${name}_data${suffix}`, items: [], bytes: 0 }
      files.push(file)
      offset = 0
    }
    file.items.push({ ...weight, offset, gap: offset - file.bytes })
    file.bytes = offset + weight.bytes
  }
  return files
}

async function writePieces(
  path: string,
  pieces: readonly (Uint8Array | { bytes: number; content: Values })[],
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

async function writeValues(handle: FileHandle, { source, dtype }: Values): Promise<void> {
  await writeElements(handle, await source.read(), dtype)
}
