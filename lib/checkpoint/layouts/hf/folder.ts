/**
 * Models as Hugging Face keeps them: `config.json` beside the weights, and files for pictures and texts (see
 * preprocessor.ts, bert-tokenizer.ts and clip/tokenizer.ts), which a family's `from_pretrained` and its processor load.
 */
import { join } from 'node:path'
import { ClipwrightError } from '../../../base/errors.js'
import { parseModelConfig } from '../../../models/config.js'
import type { Description } from '../../../models/description.js'
import { imageSizeOf, resolveModel } from '../../../models/resolve.js'
import type { TokenizerChoice } from '../../../tokenizer/choice.js'
import { INDEX_SUFFIX } from '../../formats/sharded.js'
import { asFormatError } from '../as-format-error.js'
import type { FolderFormat, SavedModel } from '../layout.js'
import { writeWeights } from '../open-clip/weights.js'
import { VOCABULARY_NAME } from './bert-tokenizer.js'
import { isClipHalf, joinClipConfigs } from './clip/config.js'
import { clip } from './clip/family.js'
import { MERGES_NAME, VOCABULARY_JSON_NAME } from './clip/tokenizer.js'
import { HF_FAMILIES } from './families.js'
import type { HfFamily } from './family.js'
import { fileWriter, readJson } from './files.js'
import { HF_PREPROCESSOR_NAME, HF_PROCESSOR_NAME, readHfPreprocessor, writeHfPreprocessor } from './preprocessor.js'
import { SPECIAL_TOKENS_NAME, TOKENIZER_CONFIG_NAME, TOKENIZER_NAME, writeTokenizerFiles } from './tokenizer-files.js'

const CONFIG_NAME = 'config.json'
const WEIGHTS_NAME = 'model.safetensors'
const TORCH_WEIGHTS_NAME = 'pytorch_model.bin'

export const hfFolder: FolderFormat = {
  owner: "Hugging Face's",
  config: CONFIG_NAME,
  weights: [WEIGHTS_NAME, WEIGHTS_NAME + INDEX_SUFFIX, TORCH_WEIGHTS_NAME, TORCH_WEIGHTS_NAME + INDEX_SUFFIX],
  marker: HF_PREPROCESSOR_NAME,
  own: [
    CONFIG_NAME,
    HF_PREPROCESSOR_NAME,
    VOCABULARY_NAME,
    VOCABULARY_JSON_NAME,
    MERGES_NAME,
    SPECIAL_TOKENS_NAME,
    TOKENIZER_NAME,
    TOKENIZER_CONFIG_NAME,
    WEIGHTS_NAME,
  ],
  reads: [HF_PROCESSOR_NAME],
  read: readHfFolder,
}

/**
 * @throws ClipwrightError ERR_FORMAT for files that are not what they should be, ERR_UNSUPPORTED for a kind of model or of
 *   preprocessing that is not there, ERR_IO
 */
export async function readHfFolder(folder: string): Promise<Description & { tokenizer: TokenizerChoice }> {
  const path = join(folder, CONFIG_NAME)
  const value = (await readJson(path)) ?? {}
  const family = familyOf(value, path)
  const { choice: tokenizer, contextLength } = await family.readTokenizer(folder)
  const config = asFormatError(() => parseModelConfig(family.fromConfig(value, path), path))
  const preprocess = await readHfPreprocessor(
    family,
    folder,
    asFormatError(() => imageSizeOf(config, path)),
  )
  const { text } = asFormatError(() => resolveModel(config, preprocess, path))
  if (contextLength && contextLength <= text.contextLength) config.text_cfg.context_length = contextLength
  return { config, preprocess, tokenizer }
}

/**
 * As `readHfFolder`, of an image and a text tower that lie in folders of their own (`CLIPVisionModelWithProjection`,
 * `CLIPTextModelWithProjection`), as pipelines keep them.
 * @throws ClipwrightError ERR_MISMATCH besides when their features are of different lengths
 */
export async function readHfPair(vision: string, text: string): Promise<Description & { tokenizer: TokenizerChoice }> {
  const [ofImages, ofTexts] = [join(vision, CONFIG_NAME), join(text, CONFIG_NAME)]
  const value = joinClipConfigs(await readHalf(ofImages), ofImages, await readHalf(ofTexts), ofTexts)
  const config = asFormatError(() => parseModelConfig(clip.fromConfig(value, ofImages), ofImages))
  const preprocess = await readHfPreprocessor(
    clip,
    vision,
    asFormatError(() => imageSizeOf(config, ofImages)),
  )
  asFormatError(() => resolveModel(config, preprocess, ofImages))
  return { config, preprocess, tokenizer: (await clip.readTokenizer(text)).choice }
}

async function readHalf(path: string): Promise<unknown> {
  const value = await readJson(path)
  if (value !== undefined) return value
  throw new ClipwrightError('ERR_NOT_FOUND', `There is no ${path}, so its folder is no tower of Hugging Face's.`)
}

function familyOf(value: unknown, path: string): HfFamily {
  const type = (Object(value) as { model_type?: unknown }).model_type
  const family = HF_FAMILIES.find(({ modelType }) => modelType === type)
  if (family) return family
  if (isClipHalf(type)) {
    const pair = 'Clip.load(folder of the image tower, { text: folder of the text tower })'
    throw new ClipwrightError(
      'ERR_UNSUPPORTED',
      `${path} describes one tower of CLIPModel; both are loaded by ${pair}.`,
    )
  }
  const supported = HF_FAMILIES.map(({ modelType }) => `"${modelType}"`).join(', ')
  const message = `${path} describes a model of type ${JSON.stringify(type)}, which is not supported yet; supported: ${supported}.`
  throw new ClipwrightError('ERR_UNSUPPORTED', message)
}

/** Writes all files into an existing folder. @throws ClipwrightError ERR_UNSUPPORTED naming what has no form there */
export async function writeHfFolder(family: HfFamily, folder: string, model: SavedModel): Promise<void> {
  const { config, preprocess, tokenizer } = model
  const resolved = resolveModel(config, preprocess, 'model')
  if (resolved.initLogitBias !== undefined && !family.logitBias) {
    const message = `Layout "hf" has no logit_bias for a model of type "${family.modelType}", and this one has learned it; save the model in its own layout.`
    throw new ClipwrightError('ERR_UNSUPPORTED', message)
  }
  const write = fileWriter(folder)
  await write(CONFIG_NAME, family.toConfig(resolved))
  await writeHfPreprocessor(family, preprocess, write)
  if (!(await writeTokenizerFiles(tokenizer, write))) await family.writeTokenizer(tokenizer, resolved.text, write)
  await writeWeights(join(folder, WEIGHTS_NAME), model, false)
}
