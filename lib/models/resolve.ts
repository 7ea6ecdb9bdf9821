/** From open_clip's JSON to the numbers the core builds a model from. */
import type { PreprocessConfig } from '../image/preprocess-config.js'
import type { NativeModel } from '../native/model.js'
import type { TokenizerChoice } from '../tokenizer/choice.js'
import type { ModelConfig } from './config.js'
import { imageTower, textTower } from './towers/table.js'

/**
 * Fills in open_clip's defaults and works out heads, MLP widths and activations.
 * @param where the model's name or path, for messages
 * @throws ClipwrightError ERR_INVALID_ARGUMENT when sizes do not divide, ERR_UNSUPPORTED for sizes that are not square
 */
export function resolveModel(config: ModelConfig, preprocess: PreprocessConfig, where: string): NativeModel {
  const { vision_cfg: vision, text_cfg: text } = config
  return {
    embedDim: config.embed_dim,
    initLogitScale: config.init_logit_scale ?? Math.log(1 / 0.07),
    ...(typeof config.init_logit_bias === 'number' && { initLogitBias: config.init_logit_bias }),
    vision: imageTower(vision).resolve(config, vision, preprocess, where),
    text: textTower(text).resolve(config, text, where),
  }
}

/** Of a model that does not say. */
export function defaultTokenizer({ text_cfg }: ModelConfig): TokenizerChoice {
  return textTower(text_cfg).tokenizer(text_cfg)
}

/**
 * Side of the image tower's input in pixels.
 * @throws ClipwrightError ERR_UNSUPPORTED when it is not square
 */
export function imageSizeOf({ vision_cfg }: ModelConfig, where: string): number {
  return imageTower(vision_cfg).imageSize(vision_cfg, where)
}
