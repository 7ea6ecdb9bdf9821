/** Opens what Clip.load opens, and tensors of anything else: looking must not need a model. */
import type { Description } from '../models/description.js'
import type { StoredTensors } from './formats/safetensors/safetensors.js'
import { openStored } from './open.js'

/** @throws ClipwrightError ERR_NOT_FOUND, ERR_FORMAT, ERR_UNSAFE, ERR_UNSUPPORTED for files of other types */
export async function openForInspection(path: string): Promise<{ description?: Description; weights: StoredTensors }> {
  const { weights, beside } = await openStored(path, false)
  return { weights, ...(beside && { description: { config: beside.config, preprocess: beside.preprocess } }) }
}
