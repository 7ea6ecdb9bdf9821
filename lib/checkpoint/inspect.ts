/** What a checkpoint or a file of weights holds: opens what Clip.load opens, and tensors of anything else. */
import { existsSync } from 'node:fs'
import { ClipwrightError } from '../base/errors.js'
import type { PreprocessConfig } from '../image/preprocess-config.js'
import type { ModelConfig } from '../models/config.js'
import type { Description } from '../models/description.js'
import { type ModelSummary, summarizeModel } from '../models/summary.js'
import { elementCount } from './formats/dtypes.js'
import type { StoredTensors } from './formats/safetensors/safetensors.js'
import { isTensorFile, openTensors } from './formats/tensor-files.js'
import { openCheckpoint } from './load.js'

/** What lies at a path. */
export type Inspection = {
  /** The file of the weights. */
  path: string
  /** open_clip's configuration; null for tensors that say nothing about a model. */
  model: ModelConfig | null
  preprocess: PreprocessConfig | null
  /** Numbers in all tensors together. */
  parameters: number
  bytes: number
  metadata: Record<string, string>
  tensors: { name: string; dtype: string; shape: readonly number[] }[]
}

/**
 * What lies at a path, or where nothing does, what a built-in model's name stands for. Reads no weights, so it is quick
 * whatever the size.
 * @param path a checkpoint folder, a file of weights, of whose model nothing needs to be known, or a name
 * @throws ClipwrightError ERR_NOT_FOUND, ERR_FORMAT, ERR_UNSAFE, ERR_UNSUPPORTED for files of other types
 */
export async function inspectModel(path: string): Promise<Inspection | ModelSummary> {
  try {
    return await inspectWeights(path)
  } catch (error) {
    if (!(error instanceof ClipwrightError) || error.code !== 'ERR_NOT_FOUND' || existsSync(path)) throw error
    return summaryInstead(path, error)
  }
}

function summaryInstead(name: string, missing: ClipwrightError): ModelSummary {
  try {
    return summarizeModel(name)
  } catch (error) {
    if (!(error instanceof ClipwrightError) || error.code !== 'ERR_UNKNOWN_MODEL') throw error
    throw new ClipwrightError('ERR_NOT_FOUND', `${missing.message} ${error.message}`, { cause: missing })
  }
}

async function inspectWeights(path: string): Promise<Inspection> {
  const { description, weights } = await openForInspection(path)
  try {
    const tensors = [...weights.entries].map(([name, { dtype, shape }]) => ({ name, dtype, shape }))
    return {
      path: weights.path,
      model: description?.config ?? null,
      preprocess: description?.preprocess ?? null,
      parameters: tensors.reduce((sum, { shape }) => sum + elementCount(shape), 0),
      bytes: [...weights.entries.values()].reduce((sum, entry) => sum + entry.byteLength, 0),
      metadata: { ...weights.metadata },
      tensors,
    }
  } finally {
    await weights.close()
  }
}

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
