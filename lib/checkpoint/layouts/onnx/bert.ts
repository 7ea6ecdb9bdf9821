/** A BERT-like text tower, RoBERTa and XLM-R among them. Source: native/model/bert_tower.cpp and bert_head.cpp. */
import { ClipwrightError } from '../../../base/errors.js'
import type { NativeBert, NativeModel } from '../../../native/model.js'
import type { Graph } from './graph.js'
import { activate, attention, layerNorm, linear, mlp, positionRows } from './layers.js'
import { BLOCK_KEYS, type TextGraph } from './tower.js'

const PREFIX = 'text.transformer'

export const bert: TextGraph = {
  keys: [...BLOCK_KEYS, 'contextLength', 'vocabSize', 'bert'],
  inputs: ['input_ids', 'attention_mask'],
  build(g, tower, { input_ids: ids, attention_mask: mask }) {
    const head = tower.bert!
    const kept = g.node('Cast', [mask!], { to: 1 }) // f32 [B, S]
    let rows = embeddings(g, tower, ids!)
    const bias = paddingBias(g, kept)
    for (let i = 0; i < tower.layers; i++) rows = block(g, rows, `${PREFIX}.encoder.layer.${i}`, tower, bias)
    let pooled = pool(g, head, rows, kept)
    // open_clip's, whatever the tower's own.
    if (head.lnFinal) pooled = layerNorm(g, pooled, 'text.ln_final', 1e-5)
    return project(g, head, pooled)
  },
}

function embeddings(g: Graph, { layerNormEps, bert }: NativeModel['text'], ids: string): string {
  const table = (name: string) => `${PREFIX}.embeddings.${name}_embeddings.weight`
  const words = g.node('Gather', [g.weight(table('word')), ids], { axis: 0 })
  // RoBERTa's begin behind the id of padding. It gives padding itself a position of its own, which nothing sees.
  const positions = positionRows(g, ids, table('position'), bert!.firstPosition)
  // All tokens are of type 0.
  const type = g.node('Gather', [g.weight(table('token_type')), g.ints([0], [])], { axis: 0 })
  const sum = g.node('Add', [g.node('Add', [words, positions]), type])
  return layerNorm(g, sum, `${PREFIX}.embeddings.LayerNorm`, layerNormEps)
}

/** [B, 1, 1, S]: 0 where there is text, and so little where there is padding that nothing of it is left. */
function paddingBias(g: Graph, kept: string): string {
  const bias = g.node('Mul', [g.node('Sub', [kept, g.scalar(1)]), g.scalar(1e9)])
  return g.node('Unsqueeze', [bias, g.ints([1, 2])])
}

/** Post-norm: ln(x + attn(x)), then ln(· + mlp(·)). */
function block(g: Graph, x: string, name: string, o: NativeModel['text'], bias: string): string {
  const affine = (part: string) => ({ weight: `${name}.${part}.weight`, bias: `${name}.${part}.bias` })
  const mixed = attention(g, x, {
    width: o.width,
    heads: o.heads,
    query: affine('attention.self.query'),
    key: affine('attention.self.key'),
    value: affine('attention.self.value'),
    out: affine('attention.output.dense'),
    bias,
  })
  const middle = layerNorm(g, g.node('Add', [x, mixed]), `${name}.attention.output.LayerNorm`, o.layerNormEps)
  const parts = { fc: `${name}.intermediate.dense`, proj: `${name}.output.dense` }
  const changed = mlp(g, middle, parts, o.activation)
  return layerNorm(g, g.node('Add', [middle, changed]), `${name}.output.LayerNorm`, o.layerNormEps)
}

/** [B, D] @param kept 1 for text, 0 for padding */
function pool(g: Graph, { pooler }: NativeBert, rows: string, kept: string): string {
  if (pooler === 'mean') {
    const sums = g.node('MatMul', [g.node('Unsqueeze', [kept, g.ints([1])]), rows]) // [B, 1, D]
    const counts = g.node('ReduceSum', [kept, g.ints([1])], { keepdims: 1 }) // [B, 1]
    return g.node('Div', [g.node('Squeeze', [sums, g.ints([1])]), counts])
  }
  const first = g.node('Gather', [rows, g.ints([0], [])], { axis: 1 })
  if (pooler === 'cls') return first
  if (pooler !== 'pooler')
    throw new ClipwrightError('ERR_UNSUPPORTED', `Layout "onnx" has no graph for the pooler "${pooler}".`)
  const dense = `${PREFIX}.pooler.dense`
  return g.node('Tanh', [linear(g, first, `${dense}.weight`, `${dense}.bias`)])
}

function project(g: Graph, { projection: { kind } }: NativeBert, pooled: string): string {
  if (kind === 'none') return pooled
  if (kind === 'linear') return linear(g, pooled, 'text.proj.weight')
  if (kind !== 'mlp')
    throw new ClipwrightError('ERR_UNSUPPORTED', `Layout "onnx" has no graph for the projection "${kind}".`)
  return linear(g, activate(g, linear(g, pooled, 'text.proj.0.weight'), 'gelu'), 'text.proj.2.weight')
}
