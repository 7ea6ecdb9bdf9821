/** open_clip's image tower. Source: native/model/vit_tower.cpp. */

import { layerNorm, linear, patchRows } from './layers.js'
import { preNormBlocks } from './pre-norm.js'
import { BLOCK_KEYS, type VisionGraph } from './tower.js'

export const vit: VisionGraph = {
  // Pictures come normalised: preprocessor_config.json says by what.
  keys: [...BLOCK_KEYS, 'imageSize', 'patchSize', 'mean', 'std', 'lnPre', 'pool', 'poolFirst', 'classToken'],
  inputs: ['pixel_values'],
  build(g, tower, { pixel_values: pixels }) {
    const { width, layerNormEps: eps } = tower
    const patches = patchRows(g, pixels!, 'visual.conv1.weight', tower)
    const count = g.node('Gather', [g.node('Shape', [pixels!]), g.ints([0])], { axis: 0 })
    const classShape = g.node('Concat', [count, g.ints([1, width])], { axis: 0 })
    const classRow = g.node('Expand', [g.weight('visual.class_embedding'), classShape])
    const tokens = g.node('Concat', [classRow, patches], { axis: 1 })
    const placed = g.node('Add', [tokens, g.weight('visual.positional_embedding')])
    const first = layerNorm(g, placed, 'visual.ln_pre', eps)
    const rows = preNormBlocks(g, first, 'visual.transformer.resblocks', tower)
    const pooled = g.node('Gather', [rows, g.ints([0], [])], { axis: 1 })
    return linear(g, layerNorm(g, pooled, 'visual.ln_post', eps), 'visual.proj')
  },
}
