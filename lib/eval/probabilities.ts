/** Probabilities of texts given an image, as CLIP's zero-shot classification has them. */
import type { Tensor } from '../base/types.js'

/**
 * softmax over texts of logitScale · imageᵢ · textⱼ (https://arxiv.org/abs/2103.00020, section 3.1).
 * @param images [n, d] and texts [m, d], of length 1
 * @param logitScale exp of the model's parameter
 * @returns n rows of m probabilities
 */
export function softmaxOverTexts(images: Tensor, texts: Tensor, logitScale: number): number[][] {
  const [n, d] = images.shape as [number, number]
  const [m] = texts.shape as [number, number]
  return Array.from({ length: n }, (_, i) => {
    const logits = Array.from({ length: m }, (_, j) => {
      let dot = 0
      for (let k = 0; k < d; k++) dot += images.data[i * d + k]! * texts.data[j * d + k]!
      return logitScale * dot
    })
    const largest = Math.max(...logits)
    const weights = logits.map((x) => Math.exp(x - largest))
    const total = weights.reduce((a, b) => a + b, 0)
    return weights.map((w) => w / total)
  })
}
