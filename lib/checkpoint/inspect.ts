/** Opens what Clip.load opens, and tensors of anything else: looking must not need a model. */
import { ClipwrightError } from '../base/errors.js'
import type { Description } from '../models/description.js'
import type { StoredTensors } from './formats/safetensors/safetensors.js'
import { isTensorFile, openTensors } from './formats/tensor-files.js'
import { openCheckpoint } from './load.js'

/** @throws ClipwrightError ERR_NOT_FOUND, ERR_FORMAT, ERR_UNSAFE, ERR_UNSUPPORTED for files of other types */
export async function openForInspection(path: string): Promise<{ description?: Description; weights: StoredTensors }> {
  try {
    const { weights, config, preprocess } = await openCheckpoint(path)
    return { description: { config, preprocess }, weights }
  } catch (error) {
    // A file that says nothing about its model needs one to be loaded, not to be looked at.
    const plain = error instanceof ClipwrightError && error.code === 'ERR_INVALID_ARGUMENT' && isTensorFile(path)
    if (!plain) throw error
    return { weights: await openTensors(path) }
  }
}
