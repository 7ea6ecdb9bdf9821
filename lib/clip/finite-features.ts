/** Features that something is made of. */
import { allFinite } from '../base/arrays.js'
import { ClipwrightError } from '../base/errors.js'
import type { Tensor } from '../base/types.js'

/**
 * Refuses features of a model whose weights hold NaN or infinity, or whose numbers overflow: nothing could be told by them.
 * @param of what they are features of, for the message: the model's path
 * @throws ClipwrightError ERR_FORMAT
 */
export function requireFiniteFeatures({ data }: Tensor, of: string): void {
  if (allFinite(data)) return
  throw new ClipwrightError(
    'ERR_FORMAT',
    `${of} gives features that are not finite numbers: its weights hold NaN or infinity, or its precision is too small for them; take other weights, or fp32.`,
  )
}
