/** transformers' ChineseCLIPConfig (`configuration_chinese_clip.py`) from and to open_clip's configuration. */
import { z } from 'zod'
import { ClipwrightError } from '../../../../base/errors.js'
import { notAsExpected } from '../../../../files/json.js'
import type { ModelConfig } from '../../../../models/config.js'
import type { BertTextConfig } from '../../../../models/model-config.js'
import type { NativeModel } from '../../../../native/model.js'
import type { NativeActivation } from '../../../../native/names.js'

export const MODEL_TYPE = 'chinese_clip'

const count = z.int().positive()

const vision = z.looseObject({
  hidden_size: count.default(768),
  intermediate_size: count.default(3072),
  num_hidden_layers: count.default(12),
  num_attention_heads: count.default(12),
  num_channels: z.literal(3).default(3),
  image_size: count.default(224),
  patch_size: count.default(32),
  hidden_act: z.enum(['quick_gelu', 'gelu', 'gelu_new', 'gelu_pytorch_tanh']).default('quick_gelu'),
  layer_norm_eps: z.number().positive().default(1e-5),
})

const schema = z.looseObject({
  projection_dim: count.default(512),
  logit_scale_init_value: z.number().default(2.6592),
  text_config: z.looseObject({}).default({}),
  vision_config: vision.prefault({}),
})

/** What of a text_config a tower is built from; `parseModelConfig` checks the values. */
const TEXT_KEYS = [
  'vocab_size',
  'hidden_size',
  'num_hidden_layers',
  'num_attention_heads',
  'intermediate_size',
  'hidden_act',
  'max_position_embeddings',
  'type_vocab_size',
  'initializer_range',
  'layer_norm_eps',
  'pad_token_id',
  'position_embedding_type',
] as const

/**
 * @param where the file, for messages
 * @throws ClipwrightError ERR_FORMAT naming the key that is not as such files have it
 */
export function fromChineseClip(value: unknown, where: string): ModelConfig {
  const parsed = schema.safeParse(value)
  if (!parsed.success) throw notAsExpected(where, parsed.error)
  const { projection_dim, logit_scale_init_value, text_config: text, vision_config: v } = parsed.data
  if (v.hidden_size % v.num_attention_heads !== 0) {
    const message = `${where}: vision_config.num_attention_heads ${v.num_attention_heads} must divide hidden_size ${v.hidden_size}.`
    throw new ClipwrightError('ERR_FORMAT', message)
  }
  return {
    embed_dim: projection_dim,
    init_logit_scale: logit_scale_init_value,
    ...(v.hidden_act === 'quick_gelu' && { quick_gelu: true }),
    vision_cfg: {
      image_size: v.image_size,
      patch_size: v.patch_size,
      width: v.hidden_size,
      layers: v.num_hidden_layers,
      head_width: v.hidden_size / v.num_attention_heads,
      ...(v.intermediate_size !== 4 * v.hidden_size && { mlp_ratio: ratio(v.intermediate_size, v.hidden_size) }),
      ...(v.layer_norm_eps !== 1e-5 && { norm_kwargs: { eps: v.layer_norm_eps } }),
      ...(v.hidden_act.startsWith('gelu_') && { act_kwargs: { approximate: 'tanh' as const } }),
    },
    text_cfg: {
      hf_config: { model_type: 'bert', ...pick(text) },
      pooler: 'cls',
      ln_final: false,
      proj: 'linear',
    } as BertTextConfig,
  }
}

/** open_clip rounds width·ratio down: a quotient that comes out a little small must not lose a unit. */
function ratio(mlpWidth: number, width: number): number {
  const exact = mlpWidth / width
  return Math.trunc(width * exact) === mlpWidth ? exact : (mlpWidth + 0.5) / width
}

function pick(text: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(TEXT_KEYS.filter((key) => text[key] !== undefined).map((key) => [key, text[key]]))
}

const ACTIVATIONS: Record<NativeActivation, string> = {
  gelu: 'gelu',
  gelu_tanh: 'gelu_pytorch_tanh',
  quick_gelu: 'quick_gelu',
}

/** Of a model that has a form in ChineseCLIPModel (`tensorNames` says). */
export function toChineseClip({ embedDim, initLogitScale, vision: v, text: t }: NativeModel): object {
  const bert = t.bert!
  return {
    architectures: ['ChineseCLIPModel'],
    model_type: MODEL_TYPE,
    projection_dim: embedDim,
    logit_scale_init_value: initLogitScale,
    text_config: {
      model_type: 'chinese_clip_text_model',
      vocab_size: t.vocabSize,
      hidden_size: t.width,
      num_hidden_layers: t.layers,
      num_attention_heads: t.heads,
      intermediate_size: t.mlpWidth,
      hidden_act: ACTIVATIONS[t.activation],
      max_position_embeddings: bert.positions,
      type_vocab_size: bert.tokenTypes,
      initializer_range: bert.initStd,
      layer_norm_eps: t.layerNormEps,
      pad_token_id: bert.padId,
      position_embedding_type: 'absolute',
    },
    vision_config: {
      model_type: 'chinese_clip_vision_model',
      hidden_size: v.width,
      intermediate_size: v.mlpWidth,
      num_hidden_layers: v.layers,
      num_attention_heads: v.heads,
      num_channels: 3,
      image_size: v.imageSize,
      patch_size: v.patchSize,
      projection_dim: embedDim,
      hidden_act: ACTIVATIONS[v.activation],
      layer_norm_eps: v.layerNormEps,
    },
  }
}
