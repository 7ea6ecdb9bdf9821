/** How much pictures and texts are alike, by their features. */
import { ClipwrightError } from '../base/errors.js'
import type { Tensor } from '../base/types.js'
import { checkMatrix } from './matrix.js'

/**
 * logitScale · imageᵢ · textⱼ; without a scale, cosines of features of length 1.
 * @param images [n, embed_dim], as `encodeImages` returns them
 * @param texts [m, embed_dim], as `encodeTexts` returns them
 * @param logitScale multiplies each; 1 by default, `await clip.logitScale()` for the model's logits
 * @returns [n, m]
 * @throws ClipwrightError ERR_INVALID_ARGUMENT for shapes that do not fit
 */
export function similarity(images: Tensor, texts: Tensor, logitScale = 1): Tensor {
  const [n, m] = checkPair(images, texts)
  if (!Number.isFinite(logitScale)) {
    throw new ClipwrightError('ERR_INVALID_ARGUMENT', `similarity: expected a finite logitScale, got ${logitScale}.`)
  }
  const data = new Float32Array(n * m)
  for (let i = 0; i < n; i++)
    data.set(
      rowOfProducts(images, texts, i).map((x) => logitScale * x),
      i * m,
    )
  return { shape: [n, m], data }
}

/** The sizes of the two, once they are of one width. */
function checkPair(images: Tensor, texts: Tensor): [n: number, m: number] {
  checkMatrix(images, 'similarity: images', '[n, embed_dim]')
  checkMatrix(texts, 'similarity: texts', '[m, embed_dim]')
  const [n, d] = images.shape as [number, number]
  const [m, textD] = texts.shape as [number, number]
  if (d === textD) return [n, m]
  throw new ClipwrightError(
    'ERR_INVALID_ARGUMENT',
    `similarity: images and texts must be of one width, got ${d} and ${textD}; encode both with the same model.`,
  )
}

/**
 * imageᵢ · textⱼ for every j, in doubles.
 * @param images [n, d] and texts [m, d]
 */
export function rowOfProducts(images: Tensor, texts: Tensor, i: number): Float64Array {
  const d = images.shape[1]!
  return Float64Array.from({ length: texts.shape[0]! }, (_, j) => {
    let dot = 0
    for (let k = 0; k < d; k++) dot += images.data[i * d + k]! * texts.data[j * d + k]!
    return dot
  })
}
