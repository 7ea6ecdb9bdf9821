/** CLIP's text tower, causal or not. Source: native/model/causal_tower.cpp. */
import type { NativeCausal } from '../../../native/model.js'
import type { Graph } from './graph.js'
import { layerNorm, lengthOf, linear, positionRows, rowsAt } from './layers.js'
import { preNormBlocks } from './pre-norm.js'
import { BLOCK_KEYS, type TextGraph } from './tower.js'

export const causal: TextGraph = {
  keys: [...BLOCK_KEYS, 'contextLength', 'vocabSize', 'causal'],
  // No mask of padding: either no position sees what follows it, and none behind the end is pooled, or padding is part of
  // what the tower was trained on.
  inputs: ['input_ids'],
  build(g, tower, { input_ids: ids }) {
    const words = g.node('Gather', [g.weight('token_embedding.weight'), ids!], { axis: 0 })
    const first = g.node('Add', [words, positionRows(g, ids!, 'positional_embedding')])
    const { mask, pool, projection, projectionBias } = tower.causal!
    const bias = mask ? causalBias(g, ids!, tower.contextLength) : undefined
    const rows = preNormBlocks(g, first, 'transformer.resblocks', tower, bias)
    const pooled = layerNorm(g, POOLS[pool](g, rows, ids!, tower.causal!), 'ln_final', tower.layerNormEps)
    if (projection === 'none') return pooled
    if (!projectionBias) return linear(g, pooled, 'text_projection')
    return linear(g, pooled, 'text_projection.weight', 'text_projection.bias')
  },
}

type Pool = (g: Graph, rows: string, ids: string, causal: NativeCausal) => string

/** [B, D] of rows [B, S, D]. */
const POOLS: Readonly<Record<NativeCausal['pool'], Pool>> = {
  argmax: (g, rows, ids) => rowsAt(g, rows, firstLargest(g, ids)),
  eos: (g, rows, ids, { eosId }) => {
    const ends = g.node('Equal', [ids, g.ints([eosId], [])])
    return rowsAt(g, rows, firstLargest(g, g.node('Cast', [ends], { to: 1 })))
  },
  last: (g, rows) => g.node('Gather', [rows, g.ints([-1], [])], { axis: 1 }),
  first: (g, rows) => g.node('Gather', [rows, g.ints([0], [])], { axis: 1 }),
}

const firstLargest = (g: Graph, values: string) =>
  g.node('ArgMax', [values], { axis: 1, keepdims: 0, select_last_index: 0 })

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
