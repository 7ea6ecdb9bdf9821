/** How much arithmetic a training step takes, so that a speed can be held against the machine's. */
import type { NativeModel } from '../native.js'

type Tower = { width: number; layers: number; mlpWidth: number }

/** Multiply-adds of one sequence through a tower whose last block computes queries, projection and MLP for one row. */
function towerProducts({ width, layers, mlpWidth }: Tower, tokens: number): number {
  const perToken = 4 * width * width + 2 * width * mlpWidth // qkv, output projection, MLP
  const attention = 2 * tokens * tokens * width // logits and weighted values
  const full = tokens * perToken + attention
  const last = tokens * 2 * width * width + (2 * width * width + 2 * width * mlpWidth) + 2 * tokens * width
  return (layers - 1) * full + last
}

/**
 * Floating-point operations of one forward and backward pass of a pair: 2 a multiply-add, and the backward pass twice
 * the forward one, but for the patch embedding, which needs no gradient of its input. Norms, softmax, activations, the
 * loss and the optimizer are not counted.
 * @param tokens of the caption, SOT and EOT included
 */
export function trainFlopsPerPair(model: NativeModel, tokens: number): number {
  const { vision, text, embedDim } = model
  const patches = (vision.imageSize / vision.patchSize) ** 2
  const embedding = patches * 3 * vision.patchSize ** 2 * vision.width
  const towers =
    towerProducts(vision, patches + 1) + vision.width * embedDim + towerProducts(text, tokens) + text.width * embedDim
  return 2 * (3 * towers + 2 * embedding)
}
