/**
 * Models as Hugging Face keeps them: `config.json` beside the weights, and files for pictures and texts (see
 * hf-preprocessor.ts and hf-tokenizer.ts), which `ChineseCLIPModel.from_pretrained` and its processor load.
 */
import { join } from 'node:path'
import { ClipwrightError } from '../../../base/errors.js'
import { parseModelConfig } from '../../../models/config.js'
import type { Description } from '../../../models/description.js'
import { defaultTokenizer, imageSizeOf, resolveModel } from '../../../models/resolve.js'
import type { TokenizerChoice } from '../../../tokenizer/choice.js'
import { fileWriter, readJson } from '../hf/files.js'
import { readHfPreprocessor, writeHfPreprocessor } from '../hf/preprocessor.js'
import { readHfTokenizer, writeHfTokenizer } from '../hf/tokenizer.js'
import { asFormatError, type SavedModel, writeWeights } from '../open-clip/folder.js'
import { fromChineseClip, MODEL_TYPE, toChineseClip } from './config.js'

export const HF_CONFIG_NAME = 'config.json'
export const HF_WEIGHTS_NAME = 'model.safetensors'

/**
 * @throws ClipwrightError ERR_FORMAT for files that are not what they should be, ERR_UNSUPPORTED for a kind of model or of
 *   preprocessing that is not there, ERR_IO
 */
export async function readHfFolder(folder: string): Promise<Description & { tokenizer: TokenizerChoice }> {
  const path = join(folder, HF_CONFIG_NAME)
  const value = (await readJson(path)) ?? {}
  const type = (Object(value) as { model_type?: unknown }).model_type
  if (type !== MODEL_TYPE) {
    const message = `${path} describes a model of type ${JSON.stringify(type)}, which is not supported yet; supported: "${MODEL_TYPE}".`
    throw new ClipwrightError('ERR_UNSUPPORTED', message)
  }
  const { lowerCase, contextLength, vocab } = await readHfTokenizer(folder)
  const config = asFormatError(() => parseModelConfig(fromChineseClip(value, path), path))
  const preprocess = await readHfPreprocessor(folder, imageSizeOf(config, path))
  const { text } = asFormatError(() => resolveModel(config, preprocess, path))
  if (contextLength && contextLength <= text.contextLength) config.text_cfg.context_length = contextLength
  const usual = defaultTokenizer(config) as TokenizerChoice & { type: 'bert' }
  return { config, preprocess, tokenizer: { ...usual, lowerCase, ...(vocab && { vocab }) } }
}

/** Writes all files into an existing folder. */
export async function writeHfFolder(folder: string, model: SavedModel): Promise<void> {
  const { config, preprocess, tokenizer, contextLength } = model
  const write = fileWriter(folder)
  await write(HF_CONFIG_NAME, toChineseClip(resolveModel(config, preprocess, 'model')))
  await writeHfPreprocessor(preprocess, write)
  await writeHfTokenizer(tokenizer, contextLength, write)
  await writeWeights(join(folder, HF_WEIGHTS_NAME), model)
}
