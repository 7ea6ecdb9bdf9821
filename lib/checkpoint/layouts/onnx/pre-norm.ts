/** The blocks of open_clip's own towers: x + attn(ln_1(x)), then + mlp(ln_2(·)). */
import type { NativeModel } from '../../../native/model.js'
import type { Graph } from './graph.js'
import { attention, inProjection, layerNorm, mlp } from './layers.js'

type Blocks = Pick<NativeModel['text'], 'width' | 'layers' | 'heads' | 'activation' | 'layerNormEps'>

/** @param prefix what stands before a block's number */
export function preNormBlocks(g: Graph, x: string, prefix: string, o: Blocks, bias?: string): string {
  return Array.from({ length: o.layers }).reduce<string>((rows, _, i) => block(g, rows, `${prefix}.${i}`, o, bias), x)
}

function block(g: Graph, x: string, name: string, o: Blocks, bias: string | undefined): string {
  const mixed = attention(g, layerNorm(g, x, `${name}.ln_1`, o.layerNormEps), {
    width: o.width,
    heads: o.heads,
    ...inProjection(`${name}.attn`),
    bias,
  })
  const middle = g.node('Add', [x, mixed])
  const parts = { fc: `${name}.mlp.c_fc`, proj: `${name}.mlp.c_proj` }
  return g.node('Add', [middle, mlp(g, layerNorm(g, middle, `${name}.ln_2`, o.layerNormEps), parts, o.activation)])
}
