/** transformers' ChineseCLIPConfig (`configuration_chinese_clip.py`) from and to open_clip's configuration. */
import { z } from 'zod'
import { notAsExpected } from '../../../../files/json.js'
import type { ModelConfig } from '../../../../models/config.js'
import type { BertTextConfig } from '../../../../models/model-config.js'
import type { NativeModel } from '../../../../native/model.js'
import {
  activationOf,
  describeBlocks,
  describeVision,
  geluConfig,
  visionConfig,
  visionSchema,
  warnOfDropout,
} from '../towers.js'

export const MODEL_TYPE = 'chinese_clip'

const schema = z.looseObject({
  projection_dim: z.int().positive().default(512),
  logit_scale_init_value: z.number().default(2.6592),
  text_config: z.looseObject({}).default({}),
  vision_config: visionSchema.prefault({}),
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
  'hidden_dropout_prob',
  'attention_probs_dropout_prob',
  'layer_norm_eps',
  'pad_token_id',
  'position_embedding_type',
] as const

/**
 * @param where the file, for messages
 * @throws ClipwrightError ERR_FORMAT naming the key that is not as such files have it, ERR_UNSUPPORTED for an activation
 *   that is not there
 */
export function fromChineseClip(value: unknown, where: string): ModelConfig {
  const parsed = schema.safeParse(value)
  if (!parsed.success) throw notAsExpected(where, parsed.error)
  const { projection_dim, logit_scale_init_value, text_config: text, vision_config: vision } = parsed.data
  warnOfDropout({ vision_config: vision }, where)
  const activation = activationOf(vision.hidden_act, 'vision_config', where)
  return {
    embed_dim: projection_dim,
    init_logit_scale: logit_scale_init_value,
    ...(activation === 'quick_gelu' && { quick_gelu: true }),
    vision_cfg: { ...visionConfig(vision, where), ...geluConfig(activation) },
    text_cfg: {
      hf_config: { model_type: 'bert', ...pick(text) },
      pooler: 'cls',
      ln_final: false,
      proj: 'linear',
    } as BertTextConfig,
  }
}

function pick(text: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(TEXT_KEYS.filter((key) => text[key] !== undefined).map((key) => [key, text[key]]))
}

/** Of a model that has a form in ChineseCLIPModel (`tensorNames` says). */
export function toChineseClip(model: NativeModel): object {
  const { embedDim, initLogitScale, text } = model
  const bert = text.bert!
  return {
    architectures: ['ChineseCLIPModel'],
    model_type: MODEL_TYPE,
    projection_dim: embedDim,
    logit_scale_init_value: initLogitScale,
    text_config: {
      model_type: 'chinese_clip_text_model',
      vocab_size: text.vocabSize,
      ...describeBlocks(text),
      max_position_embeddings: bert.positions,
      type_vocab_size: bert.tokenTypes,
      initializer_range: bert.initStd,
      hidden_dropout_prob: bert.hiddenDropout,
      attention_probs_dropout_prob: bert.attentionDropout,
      pad_token_id: bert.padId,
      position_embedding_type: 'absolute',
    },
    vision_config: describeVision(model, 'chinese_clip_vision_model'),
  }
}
