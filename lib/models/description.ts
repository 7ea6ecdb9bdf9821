/** Everything about a model but its weights. */
import { parsePreprocessConfig } from '../image/parse-preprocess-config.js'
import type { PreprocessConfig } from '../image/preprocess-config.js'
import { type ModelConfig, parseModelConfig } from './config.js'
import { imageSizeOf } from './resolve.js'

export type Description = { config: ModelConfig; preprocess: PreprocessConfig }

/**
 * @param config open_clip's `model_cfg`
 * @param preprocess its `preprocess_cfg`, which has open_clip's defaults where it says nothing
 * @param where what is being read, for messages: a model's name or a file's path
 * @throws ClipwrightError ERR_INVALID_ARGUMENT, ERR_UNSUPPORTED
 */
export function describe(config: unknown, preprocess: unknown, where: string): Description {
  const parsed = parseModelConfig(config, where)
  return { config: parsed, preprocess: parsePreprocessConfig(preprocess ?? {}, imageSizeOf(parsed, where), where) }
}
