/** From open_clip's JSON to the numbers the core builds a model from. */
import { ClipwrightError, invalid } from '../base/errors.js'
import type { PreprocessConfig } from '../image/preprocess-config.js'
import type { NativeModel, NativeProjection } from '../native/model.js'
import type { NativeActivation, NativeProjectionKind } from '../native/names.js'
import type { TokenizerChoice } from '../tokenizer/choice.js'
import { type BertTextConfig, type CausalTextConfig, isBert, type ModelConfig } from './config.js'

type Size = NonNullable<ModelConfig['vision_cfg']['image_size']>
type Tower = ModelConfig['vision_cfg'] | CausalTextConfig

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
    throw invalid(`${where}: vision_cfg.patch_size ${patchSize} must divide image_size ${imageSize}`)
  }
  const visionWidth = vision.width ?? 768
  const headWidth = vision.head_width ?? 64
  return {
    embedDim: config.embed_dim,
    initLogitScale: config.init_logit_scale ?? Math.log(1 / 0.07),
    vision: {
      kind: 'vit',
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
    text: isBert(text) ? bertTower(config, text, where) : causalTower(config, text, where),
  }
}

function causalTower(config: ModelConfig, text: CausalTextConfig, where: string): NativeModel['text'] {
  const width = text.width ?? 512
  return {
    kind: 'causal',
    contextLength: text.context_length ?? 77,
    vocabSize: text.vocab_size ?? 49408,
    width,
    layers: text.layers ?? 12,
    heads: heads(width, text.heads ?? 8, `text_cfg.heads ${text.heads ?? 8}`, where),
    mlpWidth: mlpWidth(width, text, 'text_cfg', where),
    activation: activation(config, text, 'text_cfg', where),
    layerNormEps: text.norm_kwargs?.eps ?? 1e-5,
  }
}

const BERT_ACTIVATIONS = {
  gelu: 'gelu',
  gelu_new: 'gelu_tanh',
  gelu_pytorch_tanh: 'gelu_tanh',
  quick_gelu: 'quick_gelu',
} as const satisfies Record<string, NativeActivation>

/** Defaults are those of transformers' BertConfig and XLMRobertaConfig, which differ in the id of padding. */
function bertTower(config: ModelConfig, text: BertTextConfig, where: string): NativeModel['text'] {
  const { hf_config: hf, pooler, ln_final: lnFinal, proj: projection } = text
  const roberta = hf.model_type !== 'bert'
  const padId = hf.pad_token_id ?? (roberta ? 1 : 0)
  const positions = hf.max_position_embeddings ?? 512
  // RoBERTa's kin count positions from the id after padding's.
  const firstPosition = roberta ? padId + 1 : 0
  const contextLength = text.context_length ?? positions - firstPosition
  if (contextLength < 1 || contextLength > positions - firstPosition) {
    throw invalid(
      `${where}: text_cfg.context_length ${contextLength} must fit hf_config.max_position_embeddings ${positions}, of which the tower leaves out ${firstPosition}`,
    )
  }
  const width = hf.hidden_size ?? 768
  if (projection === 'none' && width !== config.embed_dim) {
    throw invalid(
      `${where}: text_cfg.proj "none" needs an hf_config.hidden_size ${width} equal to embed_dim ${config.embed_dim}`,
    )
  }
  const headCount = hf.num_attention_heads ?? 12
  return {
    kind: 'bert',
    contextLength,
    vocabSize: hf.vocab_size ?? 30522,
    width,
    layers: hf.num_hidden_layers ?? 12,
    heads: heads(width, headCount, `text_cfg.hf_config.num_attention_heads ${headCount}`, where),
    mlpWidth: hf.intermediate_size ?? 3072,
    activation: BERT_ACTIVATIONS[hf.hidden_act ?? 'gelu'],
    layerNormEps: hf.layer_norm_eps ?? 1e-12,
    bert: {
      positions,
      firstPosition,
      tokenTypes: hf.type_vocab_size ?? 2,
      pooler,
      lnFinal,
      projection: bertProjection(projection, roberta),
      initStd: hf.initializer_range ?? 0.02,
      padId,
    },
  }
}

/**
 * open_clip's linear layers are PyTorch's, as they begin; the reference projects by one matrix, laid and drawn as CLIP's.
 * Two layers are open_clip's alone.
 */
function bertProjection(kind: NativeProjectionKind, roberta: boolean): NativeProjection {
  const matrix = kind === 'linear' && !roberta
  return { kind, inputMajor: matrix, init: matrix ? 'normal' : 'uniform' }
}

/** Of a model that does not say. */
export function defaultTokenizer(config: ModelConfig): TokenizerChoice {
  const { text_cfg: text } = config
  if (!isBert(text)) return { type: 'clip' }
  if (text.hf_config.model_type === 'bert') return { type: 'bert', lowerCase: true }
  return {
    type: 'sentencepiece',
    padId: text.hf_config.pad_token_id ?? 1,
    vocabSize: text.hf_config.vocab_size ?? 30522,
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
  throw invalid(`${where}: ${key} must divide the tower's width ${width} into equal heads`)
}

function mlpWidth(width: number, tower: Tower, key: string, where: string): number {
  const result = Math.trunc(width * (tower.mlp_ratio ?? 4))
  if (result >= 1) return result
  throw invalid(`${where}: ${key}.mlp_ratio ${tower.mlp_ratio} leaves the MLP of width ${width} without a unit`)
}

function activation(config: ModelConfig, tower: Tower, key: string, where: string): NativeActivation {
  const approximate = tower.act_kwargs?.approximate
  if (!config.quick_gelu) return approximate === 'tanh' ? 'gelu_tanh' : 'gelu'
  if (approximate === undefined) return 'quick_gelu'
  throw invalid(`${where}: ${key}.act_kwargs.approximate belongs to GELU; remove it or quick_gelu`)
}
