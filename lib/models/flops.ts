/** How much arithmetic a training step takes, so that a speed can be held against the machine's. */
import type { NativeModel } from '../native/model.js'
import type { NativeProjectionKind } from '../native/names.js'

type Tower = { width: number; layers: number; mlpWidth: number }

/** Multiply-adds of one sequence through a tower whose last block computes queries, projection and MLP for one row. */
function towerProducts({ width, layers, mlpWidth }: Tower, tokens: number): number {
  const perToken = 4 * width * width + 2 * width * mlpWidth // qkv, output projection, MLP
  const attention = 2 * tokens * tokens * width // logits and weighted values
  const full = tokens * perToken + attention
  return (layers - 1) * full + lastBlock({ width, mlpWidth }, tokens)
}

function lastBlock({ width, mlpWidth }: Omit<Tower, 'layers'>, tokens: number): number {
  return tokens * 2 * width * width + (2 * width * width + 2 * width * mlpWidth) + 2 * tokens * width
}

/** SigLIP's blocks compute all rows; its head has keys and values of each, and one query. */
function imageProducts(vision: NativeModel['vision'], patches: number, embedDim: number): number {
  if (vision.classToken) return towerProducts(vision, patches + 1) + vision.width * embedDim
  return towerProducts({ ...vision, layers: vision.layers + 1 }, patches)
}

function textProducts({ text, embedDim }: NativeModel, tokens: number): number {
  const { width, bert } = text
  // A mean needs every row of the last block.
  const blocks =
    bert?.pooler === 'mean'
      ? towerProducts({ ...text, layers: text.layers + 1 }, tokens) - lastBlock(text, tokens)
      : towerProducts(text, tokens)
  const pooler = bert?.pooler === 'pooler' ? width * width : 0
  return blocks + pooler + projectionProducts(width, embedDim, bert?.projection.kind ?? 'linear')
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
