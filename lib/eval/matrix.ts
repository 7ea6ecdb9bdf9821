/** Checks of the tensors that users hand to evaluation. */

import { requireOwnMemory } from '../base/arrays.js'
import { isArray } from '../base/brands.js'
import { invalid } from '../base/errors.js'
import { show } from '../base/options.js'
import type { Tensor } from '../base/types.js'

/**
 * Asserts a tensor [rows, columns] of at least one element in memory of its own.
 * @throws ClipwrightError ERR_INVALID_ARGUMENT
 */
export function checkMatrix(tensor: Tensor, name: string, axes: string): void {
  const { shape, data } = Object(tensor) as Partial<Tensor>
  if (!isArray(data, 'Float32Array') || !Array.isArray(shape)) {
    throw invalid(`${name} must be a tensor { shape: ${axes}, data: Float32Array }, got ${show(tensor)}.`)
  }
  requireOwnMemory(data, name)
  if (shape.length !== 2 || !shape.every((size) => Number.isSafeInteger(size) && size > 0)) {
    throw invalid(`${name} must have the shape ${axes} with sizes from 1 up, got [${shape.map(show).join(', ')}].`)
  }
  const elements = shape[0]! * shape[1]!
  if (data.length !== elements) {
    throw invalid(`${name} of shape [${shape.join(', ')}] needs ${elements} values, got ${data.length}.`)
  }
}
