/** SigLIP's image tower, pooled by attention. Source: native/model/siglip_tower.cpp and nn/attention_pool.cpp. */
import type { NativeModel } from '../../../native/model.js'
import type { Graph } from './graph.js'
import { attention, inProjection, layerNorm, mlp, patchRows } from './layers.js'
import { preNormBlocks } from './pre-norm.js'
import { BLOCK_KEYS, type VisionGraph } from './tower.js'

const TRUNK = 'visual.trunk'
const POOL = `${TRUNK}.attn_pool`

export const siglip: VisionGraph = {
  // Its rows are pooled in one way, whatever `pool` says; pictures come normalised.
  keys: [...BLOCK_KEYS, 'imageSize', 'patchSize', 'mean', 'std', 'pool'],
  inputs: ['pixel_values'],
  build(g, tower, { pixel_values: pixels }) {
    const patches = patchRows(g, pixels!, `${TRUNK}.patch_embed.proj.weight`, tower)
    const embedded = g.node('Add', [patches, g.weight(`${TRUNK}.patch_embed.proj.bias`)])
    const placed = g.node('Add', [embedded, g.weight(`${TRUNK}.pos_embed`)])
    const rows = preNormBlocks(g, placed, `${TRUNK}.blocks`, tower)
    return pool(g, layerNorm(g, rows, `${TRUNK}.norm`, tower.layerNormEps), tower)
  },
}

/** [B, D] of rows [B, S, D]: one learned query looks at all of them. */
function pool(g: Graph, rows: string, { width, heads, activation, layerNormEps: eps }: NativeModel['vision']): string {
  const attended = attention(g, g.weight(`${POOL}.latent`), {
    width,
    heads,
    ...inProjection(`${POOL}.attn`),
    rows,
  })
  const parts = { fc: `${POOL}.mlp.c_fc`, proj: `${POOL}.mlp.c_proj` }
  const changed = mlp(g, layerNorm(g, attended, `${POOL}.ln`, eps), parts, activation)
  return g.node('Squeeze', [g.node('Add', [attended, changed]), g.ints([1])])
}
