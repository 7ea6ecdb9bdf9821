/** A file of weights that says itself which model it holds. open_clip and transformers do not look at what it says. */
import { ClipwrightError } from '../../../base/errors.js'
import type { ModelConfig } from '../../../models/config.js'
import type { Description } from '../../../models/description.js'
import { defaultTokenizer } from '../../../models/resolve.js'
import { describeTokenizer, parseTokenizer, type TokenizerChoice } from '../../../tokenizer/choice.js'
import type { OwnKind } from '../../formats/safetensors/replaceable.js'
import { writeSafetensorsFrom } from '../../formats/safetensors/safetensors.js'
import type { SavedModel } from '../layout.js'
import { describeModel, parseDescription } from './config.js'

/** The key of its metadata that holds what `open_clip_config.json` would. */
const CONFIG_METADATA = 'open_clip_config'
const TOKENIZER_METADATA = 'tokenizer'

/** Files that were written here. Others' weights, which may be the only copy of them, are not replaced. */
export const OWN_WEIGHTS: OwnKind = {
  what: "file of a model's weights that clipwright wrote",
  is: ({ metadata }) => metadata[CONFIG_METADATA] !== undefined,
}

/**
 * Writes one safetensors file that `Clip.load` opens without being told the model.
 * @param alone whether a tokenizer's files do not lie beside it
 */
export async function writeWeights(path: string, model: SavedModel, alone: boolean): Promise<void> {
  const sources = model.tensors.map(([name, source]) => [name, { dtype: model.dtype, ...source }] as const)
  const metadata = {
    ...model.metadata,
    // What transformers wants to see; the values are PyTorch's row-major ones.
    format: 'pt',
    [CONFIG_METADATA]: describeModel(model),
    [TOKENIZER_METADATA]: describeTokenizer(model.tokenizer, model.contextLength, alone),
  }
  await writeSafetensorsFrom(path, sources, { metadata }, model.manner)
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
  // The ids of any tokenizer go into any text tower.
  if (named.type === usual.type || named.type === 'json') return named
  throw new ClipwrightError(
    'ERR_MISMATCH',
    `${path} was trained with the tokenizer "${named.type}", but the text tower of this model takes "${usual.type}".`,
  )
}
