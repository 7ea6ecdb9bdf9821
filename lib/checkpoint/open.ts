/** From a path to what it says of a model, and its open weights. */
import { stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { ClipwrightError } from '../base/errors.js'
import { isFileSystemError } from '../files/atomic-write.js'
import { checkPath } from '../files/check-path.js'
import { readComplete } from '../files/complete-folder.js'
import { isMissing } from '../files/exists.js'
import { isHubAddress } from '../hub/address.js'
import type { HubOptions } from '../hub/settings.js'
import type { ModelConfig } from '../models/config.js'
import type { Description } from '../models/description.js'
import { listPretrained, pretrainedModel } from '../models/pretrained.js'
import { describeModel, isModelName } from '../models/registry.js'
import { defaultTokenizer } from '../models/resolve.js'
import type { TokenizerChoice } from '../tokenizer/choice.js'
import { readTokenizerFiles } from '../tokenizer/json/beside.js'
import { fittingModels } from './fitting-models.js'
import type { StoredTensors } from './formats/safetensors/safetensors.js'
import { openTensors } from './formats/tensor-files.js'
import { fetchFolder, fetchPretrained, fetchTokenizer } from './from-hub.js'
import type { Beside, FolderFormat } from './layouts/layout.js'
import { configInMetadata, tokenizerOf } from './layouts/open-clip/weights.js'
import { FOLDERS } from './layouts/table.js'
import { weightsNames } from './weights-names.js'

/** To be closed by whoever opened it. */
export type OpenCheckpoint = Description & { weights: StoredTensors; tokenizer: TokenizerChoice }

/** Weights, and what lies beside them or in them about their model, if anything does. */
export type Stored = { weights: StoredTensors; beside: Beside | undefined }

/**
 * Opens a folder in open_clip's layout or Hugging Face's, one file of weights (safetensors, or PyTorch's), or the index of several;
 * of `hf-hub:owner/name[@revision]`, the copy in the cache, which is fetched where it is not there yet.
 * @param model replaces the configuration that the path holds; needed for a file that says nothing about itself
 * @param key which entry of a nested file holds the weights
 * @throws ClipwrightError ERR_NOT_FOUND, ERR_FORMAT, ERR_UNSAFE, ERR_MISMATCH, ERR_UNKNOWN_MODEL, ERR_INVALID_ARGUMENT, ERR_UNSUPPORTED
 *   for other layouts and file types
 */
export async function openCheckpoint(
  path: string,
  model?: string | ModelConfig,
  key?: string,
  hub?: HubOptions,
): Promise<OpenCheckpoint> {
  checkPath(path, 'Clip.load')
  const given = model === undefined ? undefined : describeModel(model)
  const { weights, beside } = await openStored(path, given !== undefined, key, hub)
  try {
    return await withTokenizer({ ...describeWeights(weights, beside, given), weights }, isHubAddress(path), hub)
  } catch (error) {
    await weights.close()
    throw error
  }
}

/**
 * Opens the weights of a built-in model that open_clip has under a tag.
 * @throws ClipwrightError ERR_UNKNOWN_MODEL, ERR_UNSUPPORTED, and as `openCheckpoint`
 */
export async function openPretrained(
  model: string,
  tag: string,
  key: string | undefined,
  hub: HubOptions,
): Promise<OpenCheckpoint> {
  checkPath(model, 'Clip.load')
  const found = pretrainedModel(model, tag)
  const weights = await openTensors(await fetchPretrained(found, hub), key)
  try {
    const { config, preprocess } = found
    return await withTokenizer({ ...describeWeights(weights, undefined, { config, preprocess }), weights }, true, hub)
  } catch (error) {
    await weights.close()
    throw error
  }
}

/**
 * With the files of a tokenizer that lie beside the weights; of those from a hub, in the repository that the model names.
 * @throws ClipwrightError ERR_FORMAT, ERR_IO
 */
async function withTokenizer(
  checkpoint: OpenCheckpoint,
  fromHub: boolean,
  hub: HubOptions | undefined,
): Promise<OpenCheckpoint> {
  const { tokenizer, weights } = checkpoint
  if (tokenizer.type !== 'json') return checkpoint
  let files = tokenizer.files ?? (await readTokenizerFiles(dirname(weights.path)))
  if (!files && fromHub && tokenizer.name) files = await fetchTokenizer(tokenizer.name, hub)
  return files ? { ...checkpoint, tokenizer: { ...tokenizer, files } } : checkpoint
}

/**
 * Opens weights, whether their model is known or not.
 * @param bare whether a folder may hold weights alone
 * @throws ClipwrightError ERR_NOT_FOUND, ERR_FORMAT, ERR_UNSAFE, ERR_UNSUPPORTED for files of other types
 */
export async function openStored(path: string, bare: boolean, key?: string, hub?: HubOptions): Promise<Stored> {
  checkPath(path, 'Clip.load')
  return readComplete(isHubAddress(path) ? await fetchFolder(path, bare, hub) : path, async (complete) => {
    if (await isFolder(complete)) return openFolder(complete, bare, key)
    return withMetadata(await openTensors(complete, key))
  })
}

/**
 * The weights of a folder that are called as `format` calls them, or else as another does.
 * @throws ClipwrightError ERR_NOT_FOUND, ERR_FORMAT, ERR_UNSAFE, ERR_UNSUPPORTED
 */
export async function openWeightsIn(path: string, key?: string, format?: FolderFormat): Promise<StoredTensors> {
  const names = weightsNames(format)
  const name = await firstOf(names, (name) => isFile(join(path, name)))
  if (name !== undefined) return openTensors(join(path, name), key)
  throw new ClipwrightError('ERR_NOT_FOUND', `${path} holds no weights: expected one of ${names.join(', ')}.`)
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
  const weights = await openWeightsIn(path, key, format)
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
  const [first] = listPretrained(path)
  const tag = first
    ? `say which, as { pretrained: '${first.tag}' } or --pretrained ${first.tag} (listPretrained, clipwright models), `
    : ''
  return ` "${path}" is the name of a model, and a name alone has no weights: ${tag}pass a folder, a file or hf-hub:owner/name, or make the model with random weights by Clip.create, on the command line train --model.`
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
