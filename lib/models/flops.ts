/** How much arithmetic a training step takes, so that a speed can be held against the machine's. */
import type { NativeEva, NativeModel } from '../native/model.js'
import type { NativeProjectionKind } from '../native/names.js'
import { seesPadding } from './sees-padding.js'

type Tower = { width: number; layers: number; mlpWidth: number }

/** Multiply-adds of one sequence through a tower whose last block computes queries, projection and MLP for one row, or for all. */
function towerProducts({ width, layers, mlpWidth }: Tower, tokens: number, rows: 'one' | 'all'): number {
  const perToken = 4 * width * width + 2 * width * mlpWidth // qkv, output projection, MLP
  const attention = 2 * tokens * tokens * width // logits and weighted values
  const full = tokens * perToken + attention
  if (rows === 'all') return layers * full
  const last = tokens * 2 * width * width + (2 * width * width + 2 * width * mlpWidth) + 2 * tokens * width
  return (layers - 1) * full + last
}

/** A pool has keys and values of each row, and one query; a gated MLP has three matrices for two. */
function evaProducts(vision: NativeModel['vision'], eva: NativeEva, patches: number, embedDim: number): number {
  const { width, mlpWidth, classToken, pool } = vision
  const tokens = patches + (classToken ? 1 : 0)
  const tower = { ...vision, mlpWidth: eva.swiglu ? 1.5 * mlpWidth : mlpWidth }
  const head = width * embedDim
  if (pool !== 'attention') return towerProducts(tower, tokens, 'one') + head
  const pooling = towerProducts({ width, layers: 1, mlpWidth: eva.poolMlpWidth }, tokens, 'one')
  return towerProducts(tower, tokens, 'all') + pooling + head
}

/** SigLIP's blocks compute all rows; its head has keys and values of each, and one query. */
function imageProducts(vision: NativeModel['vision'], patches: number, embedDim: number): number {
  if (vision.eva) return evaProducts(vision, vision.eva, patches, embedDim)
  if (!vision.classToken) return towerProducts({ ...vision, layers: vision.layers + 1 }, patches, 'one')
  const rows = vision.pool === 'mean' ? 'all' : 'one'
  return towerProducts(vision, patches + 1, rows) + vision.width * embedDim
}

function textProducts({ text, embedDim }: NativeModel, tokens: number): number {
  const { width, bert, causal } = text
  const seen = seesPadding(text) ? text.contextLength : tokens
  // A mean needs every row of the last block.
  const blocks = towerProducts(text, seen, bert?.pooler === 'mean' ? 'all' : 'one')
  const pooler = bert?.pooler === 'pooler' ? width * width : 0
  return blocks + pooler + projectionProducts(width, embedDim, (bert?.projection.kind ?? causal?.projection)!)
}

function projectionProducts(width: number, embedDim: number, projection: NativeProjectionKind): number {
  if (projection === 'none') return 0
  if (projection === 'linear') return width * embedDim
  return Math.floor((width + embedDim) / 2) * (width + embedDim)
}

/**
 * Floating-point operations of one forward and backward pass of a pair: 2 a multiply-add, and the backward pass twice
 * the forward one, but for the patch embedding, which needs no gradient of its input. Norms, softmax, activations, the
 * loss and the optimizer are not counted.
 * @param tokens of the caption, its first and last included
 */
export function trainFlopsPerPair(model: NativeModel, tokens: number): number {
  const { vision, embedDim } = model
  const patches = Math.floor(vision.imageSize / vision.patchSize) ** 2
  const embedding = patches * 3 * vision.patchSize ** 2 * vision.width
  const towers = imageProducts(vision, patches, embedDim) + textProducts(model, tokens)
  return 2 * (3 * towers + 2 * embedding)
}
