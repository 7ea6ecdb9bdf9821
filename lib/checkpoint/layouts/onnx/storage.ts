/** How a file holds a graph's weights: as they are, or narrower, with the nodes that make of them what the graph computes with. */
import type { Graph, Node } from './graph.js'
import { ELEMENT_TYPES } from './model-proto.js'
import { quantized } from './quantized.js'
import { plain, type Sources, type Stored, type StoredGraph } from './stored.js'

/** What transformers.js calls types of weights, and writes behind the names of files. */
export const STORAGES = {
  F32: { name: 'fp32', suffix: '', store: (graph: Graph, sources: Sources) => asTheyAre(graph, sources) },
  F16: { name: 'fp16', suffix: '_fp16', store: halved },
  I8: { name: 'q8', suffix: '_quantized', store: quantized },
} as const satisfies Record<
  string,
  { name: string; suffix: string; store: (graph: Graph, sources: Sources) => StoredGraph }
>

export type StorageType = keyof typeof STORAGES

function asTheyAre({ nodes, weights }: Graph, sources: Sources): StoredGraph {
  return { nodes, tensors: Array.from(weights, (name) => plain(name, sources.get(name)!)) }
}

/** What is stored narrow is widened before it is used: it is computed with in f32, on every device. */
function halved({ nodes, weights }: Graph, sources: Sources): StoredGraph {
  const half = (name: string) => `${name}.fp16`
  const widened = Array.from(
    weights,
    (name): Node => ({
      op: 'Cast',
      inputs: [half(name)],
      output: name,
      attributes: { to: ELEMENT_TYPES.f32.code },
    }),
  )
  const tensors = Array.from(weights, (name): Stored => ({ ...plain(half(name), sources.get(name)!), type: 'f16' }))
  return { nodes: [...widened, ...nodes], tensors }
}
