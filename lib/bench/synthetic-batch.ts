/** Pairs to measure with: their values do not matter, their sizes do. */
import type { Pixels, Tokens } from '../base/types.js'
import { drawing } from './draw.js'

/** Noise for pictures, and captions whose largest id stands last, as EOT does. */
export function syntheticBatch(
  n: number,
  imageSize: number,
  text: { vocabSize: number; contextLength: number },
  captionTokens: number,
): { images: Pixels; tokens: Tokens } {
  const draw = drawing()
  const pixels = Uint8Array.from({ length: n * imageSize * imageSize * 3 }, () => draw(256))
  const length = text.contextLength
  const ids = new Int32Array(n * length)
  for (let s = 0; s < n; s++) {
    for (let i = 0; i < captionTokens; i++) ids[s * length + i] = 1 + draw(text.vocabSize - 3)
    ids[s * length] = text.vocabSize - 2
    ids[s * length + captionTokens - 1] = text.vocabSize - 1
  }
  return {
    images: { shape: [n, imageSize, imageSize, 3], data: pixels },
    tokens: { shape: [n, length], data: ids },
  }
}
