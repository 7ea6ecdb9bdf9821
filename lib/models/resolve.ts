/** From open_clip's JSON to the numbers the core builds a model from. */
import { ClipwrightError } from '../errors.js'
import type { PreprocessConfig } from '../image/preprocess-config.js'
import type { NativeActivation, NativeModel } from '../native.js'
import type { ModelConfig } from './config.js'

type Size = NonNullable<ModelConfig['vision_cfg']['image_size']>
type Tower = ModelConfig['vision_cfg'] | ModelConfig['text_cfg']

/**
 * Fills in open_clip's defaults (`CLIPVisionCfg`, `CLIPTextCfg`) and works out heads, MLP widths and activations.
 * @param where the model's name or path, for messages
 * @throws ClipwrightError ERR_INVALID_ARGUMENT when sizes do not divide, ERR_UNSUPPORTED for sizes that are not square
 */
export function resolveModel(config: ModelConfig, preprocess: PreprocessConfig, where: string): NativeModel {
  const { vision_cfg: vision, text_cfg: text } = config
  const imageSize = imageSizeOf(config, where)
  const patchSize = square(vision.patch_size ?? 16, 'vision_cfg.patch_size', where)
  if (imageSize % patchSize !== 0) {
    throw invalid(where, `vision_cfg.patch_size ${patchSize} must divide image_size ${imageSize}`)
  }
  const visionWidth = vision.width ?? 768
  const headWidth = vision.head_width ?? 64
  return {
    embedDim: config.embed_dim,
    initLogitScale: config.init_logit_scale ?? Math.log(1 / 0.07),
    vision: {
      imageSize,
      patchSize,
      width: visionWidth,
      layers: vision.layers ?? 12,
      // Rounded down as open_clip does; a head_width above the width leaves no head.
      heads: heads(visionWidth, Math.floor(visionWidth / headWidth), `vision_cfg.head_width ${headWidth}`, where),
      mlpWidth: mlpWidth(visionWidth, vision, 'vision_cfg', where),
      activation: activation(config, vision, 'vision_cfg', where),
      layerNormEps: vision.norm_kwargs?.eps ?? 1e-5,
      mean: preprocess.mean,
      std: preprocess.std,
    },
    text: {
      contextLength: text.context_length ?? 77,
      vocabSize: text.vocab_size ?? 49408,
      width: text.width ?? 512,
      layers: text.layers ?? 12,
      heads: heads(text.width ?? 512, text.heads ?? 8, `text_cfg.heads ${text.heads ?? 8}`, where),
      mlpWidth: mlpWidth(text.width ?? 512, text, 'text_cfg', where),
      activation: activation(config, text, 'text_cfg', where),
      layerNormEps: text.norm_kwargs?.eps ?? 1e-5,
    },
  }
}

/**
 * Side of the image tower's input in pixels.
 * @throws ClipwrightError ERR_UNSUPPORTED when it is not square
 */
export function imageSizeOf(config: ModelConfig, where: string): number {
  return square(config.vision_cfg.image_size ?? 224, 'vision_cfg.image_size', where)
}

function square(size: Size, key: string, where: string): number {
  if (typeof size === 'number') return size
  if (size[0] === size[1]) return size[0]
  throw new ClipwrightError(
    'ERR_UNSUPPORTED',
    `${where}: "${key}": [${size.join(', ')}] is not supported yet; sizes must be square.`,
  )
}

function heads(width: number, count: number, key: string, where: string): number {
  if (count >= 1 && width % count === 0) return count
  throw invalid(where, `${key} must divide the tower's width ${width} into equal heads`)
}

function mlpWidth(width: number, tower: Tower, key: string, where: string): number {
  const result = Math.trunc(width * (tower.mlp_ratio ?? 4))
  if (result >= 1) return result
  throw invalid(where, `${key}.mlp_ratio ${tower.mlp_ratio} leaves the MLP of width ${width} without a unit`)
}

function activation(config: ModelConfig, tower: Tower, key: string, where: string): NativeActivation {
  const approximate = tower.act_kwargs?.approximate
  if (!config.quick_gelu) return approximate === 'tanh' ? 'gelu_tanh' : 'gelu'
  if (approximate === undefined) return 'quick_gelu'
  throw invalid(where, `${key}.act_kwargs.approximate belongs to GELU; remove it or quick_gelu`)
}

function invalid(where: string, what: string): ClipwrightError {
  return new ClipwrightError('ERR_INVALID_ARGUMENT', `${where}: ${what}.`)
}
