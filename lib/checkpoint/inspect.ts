/** What a checkpoint or a file of weights holds: opens what Clip.load opens, and tensors of anything else. */
import { z } from 'zod'
import { parseOptions } from '../base/options.js'
import { checkPath } from '../files/check-path.js'
import { HUB_SHAPE, hubOf } from '../hub/options.js'
import type { HubOptions } from '../hub/settings.js'
import type { PreprocessConfig } from '../image/preprocess-config.js'
import type { ModelConfig } from '../models/config.js'
import type { Description } from '../models/description.js'
import { familyOf } from '../models/family.js'
import { resolveModel } from '../models/resolve.js'
import { type Memory, type ModelSummary, memoryOf, summarizeModel } from '../models/summary.js'
import { native } from '../native/addon.js'
import { readCard } from './card.js'
import { elementCount } from './formats/dtypes.js'
import type { StoredTensors } from './formats/safetensors/safetensors.js'
import { recogniseLayout } from './layouts/table.js'
import { openStored } from './open.js'
import { pathOrName } from './path-or-name.js'

/** Whose names the tensors have, and the classes that a folder's config.json names; null where nothing says which model it is. */
export type Origin = { layout: string | null; architectures: string[] }

/** What lies at a path. */
export type Inspection = {
  /** The file of the weights. */
  path: string
  /** What kind of model it is, in a few words; null for tensors that say nothing about a model. */
  family: string | null
  origin: Origin
  /** As the folder's README.md or config.json names it; null where neither does. */
  license: string | null
  /** open_clip's configuration; null for tensors that say nothing about a model. */
  model: ModelConfig | null
  preprocess: PreprocessConfig | null
  /** Numbers in all tensors together. */
  parameters: number
  /** Bytes that they take in memory, by the type that they are kept in. */
  memory: Memory
  /** Bytes that they take in the file. */
  bytes: number
  metadata: Record<string, string>
  /** Globals of a pickle that were left alone; nothing of them was run. */
  placeholders: readonly string[]
  tensors: { name: string; dtype: string; shape: readonly number[] }[]
}

/** Which part of a path `inspectModel` looks at. */
export type InspectOptions = HubOptions & {
  /** Which entry of a nested file holds the weights, as `Clip.load` takes it: `'teacher'`, `'model.state_dict'`. */
  key?: string
}

const schema = z.strictObject({ ...HUB_SHAPE, key: z.string().min(1).optional() })

/**
 * What lies at a path, or where nothing does, what a built-in model's name stands for. Reads no weights, so it is quick
 * whatever the size.
 * @param path a checkpoint folder, `hf-hub:owner/name`, a file of weights, of whose model nothing needs to be known, or a name
 * @throws ClipwrightError ERR_INVALID_ARGUMENT, ERR_NOT_FOUND, ERR_FORMAT, ERR_UNSAFE, ERR_MISMATCH when several models lie in
 *   the file and none is named, ERR_UNSUPPORTED for files of other types
 */
export async function inspectModel(path: string, options: InspectOptions = {}): Promise<Inspection | ModelSummary> {
  const { key, ...hub } = parseOptions(schema, options, 'inspectModel')
  checkPath(path, 'inspectModel', 'a model, or its name,')
  return pathOrName<Inspection | ModelSummary>(
    path,
    () => inspectWeights(path, key, hubOf(hub)),
    () => summarizeModel(path),
  )
}

async function inspectWeights(path: string, key: string | undefined, hub: HubOptions): Promise<Inspection> {
  const { description, weights } = await openForInspection(path, key, hub)
  try {
    const { architectures, license } = await readCard(path, weights.path)
    const tensors = [...weights.entries].map(([name, { dtype, shape }]) => ({ name, dtype, shape }))
    const parameters = tensors.reduce((sum, { shape }) => sum + elementCount(shape), 0)
    return {
      path: weights.path,
      family: description ? familyOf(description.config) : null,
      origin: { layout: description ? layoutOfWeights(weights, description) : null, architectures },
      license,
      model: description?.config ?? null,
      preprocess: description?.preprocess ?? null,
      parameters,
      memory: memoryOf(parameters),
      bytes: [...weights.entries.values()].reduce((sum, entry) => sum + entry.byteLength, 0),
      metadata: { ...weights.metadata },
      placeholders: weights.placeholders ?? [],
      tensors,
    }
  } finally {
    await weights.close()
  }
}

function layoutOfWeights({ entries, path }: StoredTensors, { config, preprocess }: Description): string {
  const parameters = native().parametersOf(resolveModel(config, preprocess, path))
  return recogniseLayout(parameters, entries, config).id
}

/** @throws as `inspectModel` */
export async function openForInspection(
  path: string,
  key?: string,
  hub?: HubOptions,
): Promise<{ description?: Description; weights: StoredTensors }> {
  const { weights, beside } = await openStored(path, false, key, hub)
  return { weights, ...(beside && { description: { config: beside.config, preprocess: beside.preprocess } }) }
}
