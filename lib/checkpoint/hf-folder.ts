/**
 * Models as Hugging Face keeps them: `config.json` beside the weights, `preprocessor_config.json` for pictures,
 * `vocab.txt` and `tokenizer_config.json` for texts, which `ChineseCLIPModel.from_pretrained` and its processor load.
 */
import { join } from 'node:path'
import { z } from 'zod'
import { ClipwrightError } from '../errors.js'
import { type PreprocessConfig, parsePreprocessConfig } from '../image/preprocess-config.js'
import { parseJson } from '../json.js'
import { type ModelConfig, parseModelConfig } from '../models/config.js'
import type { Description } from '../models/description.js'
import { defaultTokenizer, imageSizeOf, resolveModel } from '../models/resolve.js'
import { readTextFile } from '../text-file.js'
import { BertTokenizer } from '../tokenizer/bert-tokenizer.js'
import { type TokenizerChoice, vocabularyText } from '../tokenizer/choice.js'
import { writeAtomically } from './atomic-write.js'
import { fromChineseClip, MODEL_TYPE, toChineseClip } from './chinese-clip-config.js'
import { asFormatError, type SavedModel, writeWeights } from './open-clip-folder.js'

export const HF_CONFIG_NAME = 'config.json'
export const HF_WEIGHTS_NAME = 'model.safetensors'
/** Written into every saved folder: what tells such a folder from one that only happens to have a config.json. */
export const HF_PREPROCESSOR_NAME = 'preprocessor_config.json'
const VOCABULARY_NAME = 'vocab.txt'
const TOKENIZER_NAME = 'tokenizer_config.json'

/** Pillow's number for bicubic. */
const BICUBIC = 3

/**
 * @throws ClipwrightError ERR_FORMAT for files that are not what they should be, ERR_UNSUPPORTED for a kind of model or of
 *   preprocessing that is not there, ERR_IO
 */
export async function readHfFolder(folder: string): Promise<Description & { tokenizer: TokenizerChoice }> {
  const path = join(folder, HF_CONFIG_NAME)
  const value = parseJson((await readText(path)) ?? '', path)
  const type = (Object(value) as { model_type?: unknown }).model_type
  if (type !== MODEL_TYPE) {
    const message = `${path} describes a model of type ${JSON.stringify(type)}, which is not supported yet; supported: "${MODEL_TYPE}".`
    throw new ClipwrightError('ERR_UNSUPPORTED', message)
  }
  const { lowerCase, contextLength } = await readTokenizerConfig(join(folder, TOKENIZER_NAME))
  const config = asFormatError(() => parseModelConfig(fromChineseClip(value, path), path))
  const { text } = asFormatError(() =>
    resolveModel(config, parsePreprocessConfig({}, imageSizeOf(config, path), path), path),
  )
  if (contextLength && contextLength <= text.contextLength) config.text_cfg.context_length = contextLength
  const where = join(folder, VOCABULARY_NAME)
  const vocabulary = await readText(where)
  const tokenizer = vocabulary === undefined ? {} : { vocab: { text: vocabulary, where } }
  return {
    config,
    preprocess: await readPreprocessor(join(folder, HF_PREPROCESSOR_NAME), config),
    tokenizer: { ...(defaultTokenizer(config) as TokenizerChoice & { type: 'bert' }), lowerCase, ...tokenizer },
  }
}

/** Writes all files into an existing folder. */
export async function writeHfFolder(folder: string, model: SavedModel): Promise<void> {
  const { config, preprocess, tokenizer, contextLength } = model
  const write = (name: string, text: string) => writeAtomically(join(folder, name), (handle) => handle.writeFile(text))
  const json = (value: object) => `${JSON.stringify(value, null, 2)}\n`
  await write(HF_CONFIG_NAME, json(toChineseClip(resolveModel(config, preprocess, 'model'))))
  await write(HF_PREPROCESSOR_NAME, json(toPreprocessor(preprocess)))
  if (tokenizer instanceof BertTokenizer) {
    await write(VOCABULARY_NAME, vocabularyText(tokenizer))
    await write(
      TOKENIZER_NAME,
      json({ tokenizer_class: 'BertTokenizer', do_lower_case: tokenizer.lowerCase, model_max_length: contextLength }),
    )
  }
  await writeWeights(join(folder, HF_WEIGHTS_NAME), model)
}

const tokenizerSchema = z.looseObject({
  do_lower_case: z.boolean().default(true),
  model_max_length: z.number().optional(),
})

async function readTokenizerConfig(path: string): Promise<{ lowerCase: boolean; contextLength: number | undefined }> {
  const parsed = tokenizerSchema.safeParse(parseJson((await readText(path)) ?? '{}', path))
  if (!parsed.success) throw notAsExpected(path, parsed.error)
  const { do_lower_case: lowerCase, model_max_length: length } = parsed.data
  // Tokenizers without a limit say 1e30.
  return { lowerCase, contextLength: Number.isSafeInteger(length) && length! > 1 ? length : undefined }
}

const side = z.int().positive()
const preprocessorSchema = z.looseObject({
  image_mean: z.array(z.number()).length(3).optional(),
  image_std: z.array(z.number().positive()).length(3).optional(),
  resample: z.literal(BICUBIC).default(BICUBIC),
  size: z
    .union([side, z.looseObject({ shortest_edge: side }), z.looseObject({ height: side, width: side })])
    .optional(),
  do_center_crop: z.boolean().default(true),
})

/** Without the file as Chinese-CLIP has it, whose models all squash pictures; keys that it lacks have transformers' defaults. */
async function readPreprocessor(path: string, config: ModelConfig): Promise<PreprocessConfig> {
  const text = await readText(path)
  if (text === undefined) return parsePreprocessConfig({ resize_mode: 'squash' }, imageSizeOf(config, path), path)
  const parsed = preprocessorSchema.safeParse(parseJson(text, path))
  if (!parsed.success) throw notAsExpected(path, parsed.error)
  const { image_mean: mean, image_std: std, size, do_center_crop: crops } = parsed.data
  const squash = !crops && typeof size === 'object' && 'height' in size
  const value = { mean, std, resize_mode: squash ? 'squash' : 'shortest' }
  return asFormatError(() => parsePreprocessConfig(value, imageSizeOf(config, path), path))
}

/** @throws ClipwrightError ERR_UNSUPPORTED for a letterbox, which no such file can say */
function toPreprocessor({ size, mean, std, resize_mode }: PreprocessConfig): object {
  if (resize_mode === 'longest') {
    const message = 'Layout "hf" cannot say that pictures are letterboxed; save the model in its own layout.'
    throw new ClipwrightError('ERR_UNSUPPORTED', message)
  }
  const square = { height: size, width: size }
  return {
    image_processor_type: 'ChineseCLIPImageProcessor',
    do_convert_rgb: true,
    do_resize: true,
    size: resize_mode === 'squash' ? square : { shortest_edge: size },
    resample: BICUBIC,
    do_center_crop: resize_mode === 'shortest',
    crop_size: square,
    do_rescale: true,
    rescale_factor: 1 / 255,
    do_normalize: true,
    image_mean: mean,
    image_std: std,
  }
}

/** Undefined when there is no such file. */
async function readText(path: string): Promise<string | undefined> {
  try {
    return await readTextFile(path, (reason) => `${path} could not be read (${reason}).`)
  } catch (error) {
    if (error instanceof ClipwrightError && error.code === 'ERR_NOT_FOUND') return undefined
    throw error
  }
}

function notAsExpected(path: string, error: z.ZodError): ClipwrightError {
  const { path: key, message } = error.issues[0]!
  return new ClipwrightError('ERR_FORMAT', `${path}: "${key.join('.')}": ${message}.`, { cause: error })
}
