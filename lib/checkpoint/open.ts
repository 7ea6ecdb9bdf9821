/** From a path to what it says of a model, and its open weights. */
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { ClipwrightError } from '../base/errors.js'
import { isFileSystemError } from '../files/atomic-write.js'
import { checkPath } from '../files/check-path.js'
import { readComplete } from '../files/complete-folder.js'
import { isMissing } from '../files/exists.js'
import type { ModelConfig } from '../models/config.js'
import type { Description } from '../models/description.js'
import { describeModel, isModelName } from '../models/registry.js'
import { defaultTokenizer } from '../models/resolve.js'
import type { TokenizerChoice } from '../tokenizer/choice.js'
import { fittingModels } from './fitting-models.js'
import type { StoredTensors } from './formats/safetensors/safetensors.js'
import { openTensors } from './formats/tensor-files.js'
import type { Beside } from './layouts/layout.js'
import { configInMetadata, tokenizerOf } from './layouts/open-clip/weights.js'
import { FOLDERS } from './layouts/table.js'

/** To be closed by whoever opened it. */
export type OpenCheckpoint = Description & { weights: StoredTensors; tokenizer: TokenizerChoice }

/** Weights, and what lies beside them or in them about their model, if anything does. */
export type Stored = { weights: StoredTensors; beside: Beside | undefined }

/**
 * Opens a folder in open_clip's layout or Hugging Face's, one file of weights (safetensors, or PyTorch's), or the index of several.
 * @param model replaces the configuration that the path holds; needed for a file that says nothing about itself
 * @param key which entry of a nested file holds the weights
 * @throws ClipwrightError ERR_NOT_FOUND, ERR_FORMAT, ERR_UNSAFE, ERR_MISMATCH, ERR_UNKNOWN_MODEL, ERR_INVALID_ARGUMENT, ERR_UNSUPPORTED
 *   for other layouts and file types
 */
export async function openCheckpoint(
  path: string,
  model?: string | ModelConfig,
  key?: string,
): Promise<OpenCheckpoint> {
  checkPath(path, 'Clip.load')
  const given = model === undefined ? undefined : describeModel(model)
  const { weights, beside } = await openStored(path, given !== undefined, key)
  try {
    return { ...describeWeights(weights, beside, given), weights }
  } catch (error) {
    await weights.close()
    throw error
  }
}

/**
 * Opens weights, whether their model is known or not.
 * @param bare whether a folder may hold weights alone
 * @throws ClipwrightError ERR_NOT_FOUND, ERR_FORMAT, ERR_UNSAFE, ERR_UNSUPPORTED for files of other types
 */
export async function openStored(path: string, bare: boolean, key?: string): Promise<Stored> {
  checkPath(path, 'Clip.load')
  if (path.startsWith('hf-hub:')) throw unsupported(path, 'downloads from the Hugging Face hub')
  return readComplete(path, async (complete) => {
    if (await isFolder(complete)) return openFolder(complete, bare, key)
    return withMetadata(await openTensors(complete, key))
  })
}

/**
 * The weights of a folder that are called as some format calls them.
 * @throws ClipwrightError ERR_NOT_FOUND, ERR_FORMAT, ERR_UNSAFE, ERR_UNSUPPORTED
 */
export async function openWeightsIn(path: string, key?: string): Promise<StoredTensors> {
  const name = await firstOf(WEIGHTS_NAMES, (name) => isFile(join(path, name)))
  if (name !== undefined) return openTensors(join(path, name), key)
  throw new ClipwrightError('ERR_NOT_FOUND', `${path} holds no weights: expected one of ${WEIGHTS_NAMES.join(', ')}.`)
}

async function openFolder(path: string, bare: boolean, key: string | undefined): Promise<Stored> {
  const has = (name: string) => isFile(join(path, name))
  const [own, ...others] = FOLDERS
  // A run's folder has a config.json, too.
  const isOwn = await has(own!.config)
  if (!isOwn && (await kindOf(join(path, 'checkpoints'))) === 'folder') {
    const message = `${path} is the folder of a training run; its models lie in it under checkpoints/last and checkpoints/best.`
    throw new ClipwrightError('ERR_NOT_FOUND', message)
  }
  const format = isOwn ? own : await firstOf(others, ({ config }) => has(config))
  if (!format && !bare) {
    const configs = FOLDERS.map(({ config }) => config).join(' nor ')
    const message = `${path} holds neither ${configs}, so it is not a model in ${owners('layout')}.`
    throw new ClipwrightError('ERR_NOT_FOUND', message)
  }
  const beside = await format?.read(path)
  const weights = await openWeightsIn(path, key)
  return beside ? { weights, beside } : withMetadata(weights)
}

async function withMetadata(weights: StoredTensors): Promise<Stored> {
  try {
    return { weights, beside: configInMetadata(weights.metadata, weights.path) }
  } catch (error) {
    await weights.close()
    throw error
  }
}

/** @throws ClipwrightError ERR_INVALID_ARGUMENT when nothing says what the model is, ERR_UNSUPPORTED, ERR_MISMATCH */
function describeWeights(
  { metadata, path, entries }: StoredTensors,
  beside: Beside | undefined,
  given: Description | undefined,
): Omit<OpenCheckpoint, 'weights'> {
  if (given) {
    const { config, preprocess } = given
    const usual = defaultTokenizer(config).type
    return {
      config,
      preprocess: { ...(beside?.preprocess ?? preprocess), size: preprocess.size },
      tokenizer: beside?.tokenizer?.type === usual ? beside.tokenizer : tokenizerOf(metadata, config, path),
    }
  }
  if (beside) return { tokenizer: tokenizerOf(metadata, beside.config, path), ...beside }
  const fitting = fittingModels(entries)
  const offer = fitting.length > 0 ? `its shapes are those of ${fitting.join(' and ')}` : 'ViT-B-32 or whatever it is'
  throw new ClipwrightError(
    'ERR_INVALID_ARGUMENT',
    `${path} does not say which model its weights belong to; pass it as { model }, on the command line as --architecture, of train as --model (${offer}).`,
  )
}

/** safetensors of every format, in one file and in several, before what PyTorch pickles. */
const WEIGHTS_NAMES = [true, false].flatMap((safe) =>
  FOLDERS.flatMap(({ weights }) => weights.filter((name) => name.includes('.safetensors') === safe)),
)

async function firstOf<T>(list: readonly T[], holds: (item: T) => Promise<boolean>): Promise<T | undefined> {
  for (const item of list) if (await holds(item)) return item
  return undefined
}

const isFile = async (path: string) => (await kindOf(path)) === 'file'

async function isFolder(path: string): Promise<boolean> {
  const kind = await kindOf(path)
  if (kind !== undefined) return kind === 'folder'
  throw new ClipwrightError(
    'ERR_NOT_FOUND',
    `There is no model at ${path}: neither a folder nor a file.${hintOf(path)}`,
  )
}

/** A name is easily taken for weights. */
function hintOf(path: string): string {
  if (!isModelName(path)) return ''
  return ` "${path}" is the name of a model, and a name has no weights: pass a folder or a file of them (open_clip, OpenAI and Hugging Face publish some; downloads are not built in yet), or make the model with random weights by Clip.create, on the command line train --model.`
}

async function kindOf(path: string): Promise<'folder' | 'file' | undefined> {
  try {
    return (await stat(path)).isDirectory() ? 'folder' : 'file'
  } catch (cause) {
    if (!isFileSystemError(cause)) throw cause
    if (isMissing(cause)) return undefined
    throw new ClipwrightError('ERR_IO', `${path} could not be read (${cause.message}).`, { cause })
  }
}

/** `open_clip's layout or Hugging Face's` */
function owners(what: string): string {
  return FOLDERS.map(({ owner }, i) => (i === 0 ? `${owner} ${what}` : owner)).join(' or ')
}

function unsupported(path: string, what: string): ClipwrightError {
  const configs = FOLDERS.map(({ config }) => config).join(' or ')
  const supported = `folders with ${configs} and weights, and files of weights (safetensors, PyTorch)`
  return new ClipwrightError(
    'ERR_UNSUPPORTED',
    `${path}: loading ${what} is not supported yet; supported: ${supported}.`,
  )
}
