/** From a path to a model's description and its open weights. */
import { stat } from 'node:fs/promises'
import { extname, join } from 'node:path'
import { ClipwrightError } from '../base/errors.js'
import { isFileSystemError } from '../files/atomic-write.js'
import { checkPath } from '../files/check-path.js'
import { readComplete } from '../files/complete-folder.js'
import type { ModelConfig } from '../models/config.js'
import type { Description } from '../models/description.js'
import { describeModel } from '../models/registry.js'
import { defaultTokenizer } from '../models/resolve.js'
import type { TokenizerChoice } from '../tokenizer/choice.js'
import { fittingModels } from './fitting-models.js'
import type { StoredTensors } from './formats/safetensors/safetensors.js'
import { INDEX_SUFFIX } from './formats/sharded.js'
import { isTensorFile, openTensors, TENSOR_SUFFIXES } from './formats/tensor-files.js'
import { HF_CONFIG_NAME, HF_WEIGHTS_NAME, readHfFolder } from './layouts/chinese-clip/folder.js'
import {
  CONFIG_NAME,
  configInMetadata,
  readOpenClipConfig,
  tokenizerOf,
  WEIGHTS_NAME,
} from './layouts/open-clip/folder.js'
import { fromStored, type ParameterShape } from './layouts/stored-parts.js'
import { recogniseLayout } from './layouts/table.js'
import type { LoadReport } from './load-report.js'
import { matchTensors, requireMatch } from './match.js'

/** To be closed by whoever opened it. */
export type OpenCheckpoint = Description & { weights: StoredTensors; tokenizer: TokenizerChoice }

/** What lies beside weights: a description, and in Hugging Face's folders the tokenizer. */
type Beside = Description & { tokenizer?: TokenizerChoice }

/**
 * Opens a folder in open_clip's layout or Hugging Face's, one file of weights (safetensors, or PyTorch's), or the index of several.
 * @param model replaces the configuration that the path holds; needed for a file that says nothing about itself
 * @throws ClipwrightError ERR_NOT_FOUND, ERR_FORMAT, ERR_UNSAFE, ERR_UNKNOWN_MODEL, ERR_INVALID_ARGUMENT, ERR_UNSUPPORTED
 *   for other layouts and file types
 */
export async function openCheckpoint(path: string, model?: string | ModelConfig): Promise<OpenCheckpoint> {
  checkPath(path, 'Clip.load')
  if (path.startsWith('hf-hub:')) throw unsupported(path, 'downloads from the Hugging Face hub')
  const given = model === undefined ? undefined : describeModel(model)
  return readComplete(path, async (complete) =>
    (await isFolder(complete)) ? openFolder(complete, given) : openFile(complete, given),
  )
}

/**
 * Reads the weights, one tensor at a time.
 * @param config of the model, which says in which layouts the file may be
 * @param write takes the values of a parameter, by its index, from the element `first` on
 * @param strict whether every parameter must be there, and nothing else; otherwise what fits is loaded
 * @returns what was loaded and what was not
 * @throws ClipwrightError ERR_MISMATCH naming all tensors that differ
 */
export async function loadWeights(
  weights: StoredTensors,
  config: ModelConfig,
  parameters: readonly ParameterShape[],
  strict: boolean,
  write: (index: number, values: Float32Array, first: number) => Promise<void>,
): Promise<LoadReport> {
  const match = matchTensors(parameters, weights.entries, recogniseLayout(parameters, weights.entries, config))
  if (strict) requireMatch(match, weights.path, () => fittingModels(weights.entries))
  for (const { index, part } of match.fits) {
    const { data } = await weights.read(part.name)
    const values = data instanceof Float32Array ? data : Float32Array.from(data as Float64Array)
    await write(index, fromStored(part, values), part.first)
  }
  return {
    path: weights.path,
    loaded: match.fits.map(({ part }) => part.name),
    missing: match.missing,
    mismatched: match.wrong,
    unexpected: match.extra,
  }
}

async function openFolder(path: string, given: Description | undefined): Promise<OpenCheckpoint> {
  const has = async (name: string) => (await kindOf(join(path, name))) === 'file'
  const described = await has(CONFIG_NAME)
  if (!described && (await kindOf(join(path, 'checkpoints'))) === 'folder') {
    const message = `${path} is the folder of a training run; its models lie in it under checkpoints/last and checkpoints/best.`
    throw new ClipwrightError('ERR_NOT_FOUND', message)
  }
  const fromHf = !described && (await has(HF_CONFIG_NAME))
  if (!described && !fromHf && !given) {
    const message = `${path} holds neither ${CONFIG_NAME} nor ${HF_CONFIG_NAME}, so it is not a model in open_clip's layout or Hugging Face's.`
    throw new ClipwrightError('ERR_NOT_FOUND', message)
  }
  const beside = described ? await readOpenClipConfig(path) : fromHf ? await readHfFolder(path) : undefined
  for (const name of WEIGHTS_NAMES) if (await has(name)) return openWeights(join(path, name), beside, given)
  throw new ClipwrightError('ERR_NOT_FOUND', `${path} holds no weights: expected one of ${WEIGHTS_NAMES.join(', ')}.`)
}

async function openFile(path: string, given: Description | undefined): Promise<OpenCheckpoint> {
  if (!isTensorFile(path)) throw unsupported(path, `a file of type "${extname(path)}"`)
  return openWeights(path, undefined, given)
}

async function openWeights(
  path: string,
  beside: Beside | undefined,
  given: Description | undefined,
): Promise<OpenCheckpoint> {
  const weights = await openTensors(path)
  try {
    const own: Beside | undefined = beside ?? configInMetadata(weights.metadata, path)
    if (given) {
      const { config, preprocess } = given
      const usual = defaultTokenizer(config).type
      return {
        config,
        preprocess: { ...(own?.preprocess ?? preprocess), size: preprocess.size },
        tokenizer: beside?.tokenizer?.type === usual ? beside.tokenizer : tokenizerOf(weights.metadata, config, path),
        weights,
      }
    }
    if (own) return { tokenizer: tokenizerOf(weights.metadata, own.config, path), ...own, weights }
    const fitting = fittingModels(weights.entries)
    const offer = fitting.length > 0 ? `its shapes are those of ${fitting.join(' and ')}` : 'ViT-B-32 or whatever it is'
    throw new ClipwrightError(
      'ERR_INVALID_ARGUMENT',
      `${path} does not say which model its weights belong to; pass it as { model }, on the command line as --architecture, of train as --model (${offer}).`,
    )
  } catch (error) {
    await weights.close()
    throw error
  }
}

/** In one file, in several, and in several as Hugging Face calls them; then the same as PyTorch stores them. */
const WEIGHTS_NAMES = [
  ...[WEIGHTS_NAME, WEIGHTS_NAME + INDEX_SUFFIX, HF_WEIGHTS_NAME, HF_WEIGHTS_NAME + INDEX_SUFFIX],
  ...['open_clip_pytorch_model.bin', 'pytorch_model.bin', `pytorch_model.bin${INDEX_SUFFIX}`],
]

async function isFolder(path: string): Promise<boolean> {
  const kind = await kindOf(path)
  if (kind !== undefined) return kind === 'folder'
  throw new ClipwrightError('ERR_NOT_FOUND', `There is no model at ${path}: neither a folder nor a file.`)
}

async function kindOf(path: string): Promise<'folder' | 'file' | undefined> {
  try {
    return (await stat(path)).isDirectory() ? 'folder' : 'file'
  } catch (cause) {
    if (!isFileSystemError(cause)) throw cause
    if (cause.code === 'ENOENT' || cause.code === 'ENOTDIR') return undefined
    throw new ClipwrightError('ERR_IO', `${path} could not be read (${cause.message}).`, { cause })
  }
}

function unsupported(path: string, what: string): ClipwrightError {
  const supported = `folders with ${CONFIG_NAME} or ${HF_CONFIG_NAME} and weights, and files that end in ${TENSOR_SUFFIXES.join(', ')}`
  return new ClipwrightError(
    'ERR_UNSUPPORTED',
    `${path}: loading ${what} is not supported yet; supported: ${supported}.`,
  )
}
