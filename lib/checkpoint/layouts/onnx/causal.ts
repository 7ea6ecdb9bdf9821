/** CLIP's causal text tower, pooled at the first largest id. Source: native/model/causal_tower.cpp. */
import type { Graph } from './graph.js'
import { layerNorm, lengthOf, linear, positionRows, rowsAt } from './layers.js'
import { preNormBlocks } from './pre-norm.js'
import { BLOCK_KEYS, type TextGraph } from './tower.js'

export const causal: TextGraph = {
  keys: [...BLOCK_KEYS, 'contextLength', 'vocabSize', 'causal'],
  // No mask of padding: no position sees what follows it, and none behind the end is pooled.
  inputs: ['input_ids'],
  build(g, tower, { input_ids: ids }) {
    const words = g.node('Gather', [g.weight('token_embedding.weight'), ids!], { axis: 0 })
    const first = g.node('Add', [words, positionRows(g, ids!, 'positional_embedding')])
    const rows = preNormBlocks(g, first, 'transformer.resblocks', tower, causalBias(g, ids!, tower.contextLength))
    const end = g.node('ArgMax', [ids!], { axis: 1, keepdims: 0, select_last_index: 0 })
    const pooled = layerNorm(g, rowsAt(g, rows, end), 'ln_final', tower.layerNormEps)
    return linear(g, pooled, 'text_projection')
  },
}

/** Infinite where a query would look ahead. WebGPU has no infinity in its constants, so it is the largest number. */
const AHEAD = -3.4028234663852886e38

/** [S, S], of a constant of the longest context. */
function causalBias(g: Graph, ids: string, longest: number): string {
  const values = Float32Array.from({ length: longest * longest }, (_, at) =>
    at % longest > Math.floor(at / longest) ? AHEAD : 0,
  )
  const length = lengthOf(g, ids)
  const ends = g.node('Concat', [length, length], { axis: 0 })
  return g.node('Slice', [g.floats(values, [longest, longest]), g.ints([0, 0]), ends, g.ints([0, 1])])
}
