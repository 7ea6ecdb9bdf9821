/**
 * Models as open_clip keeps them: a folder with `open_clip_config.json` and `open_clip_model.safetensors`
 * (`src/open_clip/push_to_hf_hub.py`), which `open_clip.create_model('local-dir:PATH')` loads.
 */
import { join } from 'node:path'
import { ClipwrightError } from '../../../base/errors.js'
import { writeAtomically } from '../../../files/atomic-write.js'
import { parseJson } from '../../../files/json.js'
import { readTextFile } from '../../../files/text.js'
import type { ModelConfig } from '../../../models/config.js'
import { type Description, describe } from '../../../models/description.js'
import { defaultTokenizer } from '../../../models/resolve.js'
import { describeTokenizer, parseTokenizer, type TokenizerChoice } from '../../../tokenizer/choice.js'
import type { Tokenizer } from '../../../tokenizer/tokenizer.js'
import type { Dtype } from '../../formats/dtypes.js'
import { type TensorSource, writeSafetensorsFrom } from '../../formats/safetensors/safetensors.js'

export const CONFIG_NAME = 'open_clip_config.json'
export const WEIGHTS_NAME = 'open_clip_model.safetensors'
/** The key of a weight file's metadata that holds what `open_clip_config.json` would. */
const CONFIG_METADATA = 'open_clip_config'
const TOKENIZER_METADATA = 'tokenizer'

export type SavedModel = Description & {
  tokenizer: Tokenizer
  contextLength: number
  /** Under the layout's names. */
  tensors: (readonly [name: string, source: Omit<TensorSource, 'dtype'>])[]
  dtype: Dtype
}

/**
 * Writes a model's two files into an existing folder. The weights' metadata repeat the configuration and name the
 * tokenizer (and hold its vocabulary, where it is not a shipped one), so that the one file is enough; open_clip does not look at them.
 */
export async function writeOpenClipFolder(folder: string, model: SavedModel): Promise<void> {
  await writeAtomically(join(folder, CONFIG_NAME), (handle) => handle.writeFile(`${describeModel(model, 2)}\n`))
  await writeWeights(join(folder, WEIGHTS_NAME), model)
}

/** Writes one safetensors file that `Clip.load` opens without being told the model. */
export async function writeWeights(path: string, model: SavedModel): Promise<void> {
  const sources = model.tensors.map(([name, source]) => [name, { ...source, dtype: model.dtype }] as const)
  await writeSafetensorsFrom(path, sources, {
    metadata: {
      // What transformers wants to see; the values are PyTorch's row-major ones.
      format: 'pt',
      [CONFIG_METADATA]: describeModel(model),
      [TOKENIZER_METADATA]: describeTokenizer(model.tokenizer, model.contextLength),
    },
  })
}

/**
 * @throws ClipwrightError ERR_NOT_FOUND without the file, ERR_FORMAT when it is not JSON, has no `model_cfg` or one that
 *   is not a model's, ERR_UNSUPPORTED
 */
export async function readOpenClipConfig(folder: string): Promise<Description> {
  const path = join(folder, CONFIG_NAME)
  return parseDescription(await readTextFile(path, (reason) => `${path} could not be read (${reason}).`), path)
}

/** The model that a weight file says it holds, if it does. */
export function configInMetadata(metadata: Readonly<Record<string, string>>, path: string): Description | undefined {
  const text = metadata[CONFIG_METADATA]
  return text === undefined ? undefined : parseDescription(text, `${path} (metadata)`)
}

/**
 * The tokenizer that a weight file names, or else the one that such a model has.
 * @throws ClipwrightError ERR_UNSUPPORTED when this version has not got it, ERR_FORMAT, ERR_MISMATCH when it is not one for
 *   this kind of text tower
 */
export function tokenizerOf(
  metadata: Readonly<Record<string, string>>,
  config: ModelConfig,
  path: string,
): TokenizerChoice {
  const usual = defaultTokenizer(config)
  const text = metadata[TOKENIZER_METADATA]
  if (text === undefined) return usual
  const named = parseTokenizer(text, path)
  if (named.type === usual.type) return named
  throw new ClipwrightError(
    'ERR_MISMATCH',
    `${path} was trained with the tokenizer "${named.type}", but the text tower of this model takes "${usual.type}".`,
  )
}

function describeModel({ config, preprocess }: Description, indent?: number): string {
  // The size follows from the image tower; open_clip leaves it out, too.
  const { size: _, ...preprocessConfig } = preprocess
  return JSON.stringify({ model_cfg: config, preprocess_cfg: preprocessConfig }, null, indent)
}

function parseDescription(text: string, where: string): Description {
  const value = parseJson(text, where) as { model_cfg?: unknown; preprocess_cfg?: unknown } | null
  if (typeof value !== 'object' || value === null || value.model_cfg === undefined) {
    throw new ClipwrightError('ERR_FORMAT', `${where} is not an open_clip configuration: it has no "model_cfg".`)
  }
  const { model_cfg, preprocess_cfg } = value
  return asFormatError(() => describe(model_cfg, preprocess_cfg, where))
}

/** What would be a wrong argument from a caller is a wrong file here. */
export function asFormatError<T>(read: () => T): T {
  try {
    return read()
  } catch (error) {
    if (!(error instanceof ClipwrightError) || error.code !== 'ERR_INVALID_ARGUMENT') throw error
    throw new ClipwrightError('ERR_FORMAT', error.message, { cause: error })
  }
}
