/** What a file holds of a graph and its weights. */
import { elementCount } from '../../formats/dtypes.js'
import type { SavedModel } from '../layout.js'
import type { Node } from './graph.js'
import { ELEMENT_TYPES, type ElementType } from './model-proto.js'

export type Source = SavedModel['tensors'][number][1]

/** A tensor of the file, and what of a weight it holds. */
export type Stored = {
  name: string
  shape: readonly number[]
  type: ElementType
  read(): Promise<Float32Array | Int8Array>
}

/** What a file holds instead of a graph's own nodes and weights. */
export type StoredGraph = { nodes: readonly Node[]; tensors: readonly Stored[] }

export type Sources = ReadonlyMap<string, Source>

export const bytesOf = ({ shape, type }: Stored): number => elementCount(shape) * ELEMENT_TYPES[type].bytes

export function plain(name: string, { shape, read }: Source): Stored {
  return { name, shape, type: 'f32', read: read as Stored['read'] }
}
