/** What a model is: open_clip's JSON, key for key, checked before anything is built from it. */
import { z } from 'zod'
import { ClipwrightError } from '../base/errors.js'
import { nearest } from '../base/nearest.js'
import { POOLERS, PROJECTIONS } from '../native/names.js'

const count = z.int().positive()
const size = z.union([count, z.tuple([count, count])], { error: 'expected a whole number above 0 or a pair of them' })
const flag = z.boolean()
/** A feature that open_clip has and this version has not: only the values that leave it off pass. */
const off = z.literal([false, null]).optional()
const none = z.literal(null).optional()
const no = z.literal([0, null]).optional()
/** Means something only beside a key that is off. */
const idle = z.unknown().optional()

/** Parts of the attention block that exist in both towers of open_clip and are all off in CLIP's own models. */
const block = {
  ls_init_value: none,
  block_type: z.literal(['default', null]).optional(),
  qk_norm: off,
  scaled_cosine_attn: off,
  scale_heads: off,
  scale_attn_inner: off,
  scale_attn: off,
  scale_fc: off,
}

const transformer = {
  layers: count.optional(),
  width: count.optional(),
  mlp_ratio: z.number().positive().optional(),
  act_kwargs: z
    .strictObject({ approximate: z.literal(['none', 'tanh']).optional() })
    .nullable()
    .optional(),
  norm_kwargs: z.strictObject({ eps: z.number().positive().optional() }).nullable().optional(),
  output_tokens: off,
  final_ln_after_pool: off,
  ...block,
}

const vision = z.strictObject({
  ...transformer,
  head_width: count.optional(),
  image_size: size.optional(),
  patch_size: size.optional(),
  image_seq_len: none,
  patch_dropout: no,
  attentional_pool: off,
  attn_pooler_queries: idle,
  attn_pooler_heads: idle,
  no_ln_pre: off,
  pos_embed_type: z.literal('learnable').optional(),
  pool_type: z.literal('tok').optional(),
  timm_model_name: none,
  timm_model_pretrained: idle,
  timm_pool: idle,
  timm_proj: idle,
  timm_proj_bias: idle,
  timm_drop: idle,
  timm_drop_path: idle,
  timm_model_kwargs: idle,
})

const text = z.strictObject({
  ...transformer,
  context_length: count.optional(),
  vocab_size: count.optional(),
  heads: count.optional(),
  text_arch: z.literal('clip').optional(),
  variable_text: off,
  embed_cls: off,
  pad_id: z.literal([0, null]).optional(),
  bos_id: idle,
  eos_id: idle,
  no_causal_mask: off,
  pool_type: z.literal('argmax').optional(),
  proj_bias: off,
  proj_type: z.literal('linear').optional(),
  tokenizer_mode: none,
  tokenizer_kwargs: none,
  tokenizer_type: z.literal(['', null]).optional(),
  tiktoken_name: idle,
  hf_tokenizer_name: z.literal(['', null]).optional(),
  hf_model_name: none,
  hf_model_pretrained: idle,
  hf_proj_type: idle,
  hf_pooler_type: idle,
})

/**
 * transformers' BertConfig or XLMRobertaConfig. Those files hold much that no tower is built from: it is kept as it is.
 * Dropout is not applied, whatever its rates say.
 */
const hfConfig = z.looseObject({
  model_type: z.literal(['bert', 'roberta', 'xlm-roberta']),
  vocab_size: count.optional(),
  hidden_size: count.optional(),
  num_hidden_layers: count.optional(),
  num_attention_heads: count.optional(),
  intermediate_size: count.optional(),
  hidden_act: z.literal(['gelu', 'gelu_new', 'gelu_pytorch_tanh', 'quick_gelu']).optional(),
  max_position_embeddings: count.optional(),
  type_vocab_size: count.optional(),
  initializer_range: z.number().min(0).optional(),
  layer_norm_eps: z.number().positive().optional(),
  pad_token_id: z.int().min(0).nullable().optional(),
  position_embedding_type: z.literal(['absolute', null]).optional(),
  is_decoder: off,
  add_cross_attention: off,
})

/** A BERT-like tower. The names that open_clip gives its parts are kept, but it is built from the keys that are ours. */
const bertText = z.strictObject({
  hf_config: hfConfig,
  pooler: z.enum(POOLERS),
  ln_final: flag,
  proj: z.enum(PROJECTIONS),
  context_length: count.optional(),
  hf_model_name: z.literal(['', null]).optional(),
  hf_tokenizer_name: z.literal(['', null]).optional(),
  hf_model_pretrained: idle,
  hf_proj_type: idle,
  hf_pooler_type: idle,
})

/** A or B, where keys of the other can be read but not given. */
type Either<A, B> =
  | (A & { [K in Exclude<keyof B, keyof A>]?: never })
  | (B & { [K in Exclude<keyof A, keyof B>]?: never })

const model = z.strictObject({
  embed_dim: count,
  vision_cfg: vision,
  text_cfg: z.custom<Either<z.input<typeof text>, z.input<typeof bertText>>>(),
  quick_gelu: flag.optional(),
  init_logit_scale: z.number().optional(),
  init_logit_bias: none,
  nonscalar_logit_scale: off,
  custom_text: off,
  multimodal_cfg: none,
})
const causalModel = model.extend({ text_cfg: text })
const bertModel = model.extend({ text_cfg: bertText })

/**
 * open_clip's model configuration (`model_configs/*.json`), key for key. Keys that are left out have open_clip's
 * defaults (`CLIPVisionCfg`, `CLIPTextCfg` in `src/open_clip/model.py`). A `text_cfg` with `hf_config` describes a BERT-like
 * tower: transformers' configuration, how rows are pooled (the [CLS] row, that row through transformers' pooler, or the
 * mean), whether a norm follows, and the projection; left out keys of `hf_config` have transformers' defaults.
 */
export type ModelConfig = z.input<typeof model>
export type BertTextConfig = Extract<ModelConfig['text_cfg'], { hf_config: object }>
export type CausalTextConfig = Exclude<ModelConfig['text_cfg'], BertTextConfig>

/** Which kind of text tower a configuration describes. */
export function isBert(textConfig: ModelConfig['text_cfg']): textConfig is BertTextConfig {
  return typeof textConfig === 'object' && textConfig !== null && 'hf_config' in textConfig
}

/**
 * A copy of the configuration, unchanged, once every key in it is known and its value can be built.
 * @param where what is being read, for messages: a model's name or a file's path
 * @throws ClipwrightError ERR_UNSUPPORTED for a feature of open_clip that is not there yet, ERR_INVALID_ARGUMENT for
 *   an unknown key (offering the nearest) or a value of the wrong kind
 */
export function parseModelConfig(value: unknown, where: string): ModelConfig {
  const parsed = schemaOf(value).safeParse(value)
  if (!parsed.success) throw configError(parsed.error.issues[0]!, value, where, parsed.error)
  return structuredClone(value) as ModelConfig
}

function schemaOf(value: unknown) {
  return isBert((Object(value) as ModelConfig).text_cfg) ? bertModel : causalModel
}

function configError(issue: z.core.$ZodIssue, config: unknown, where: string, cause: Error): ClipwrightError {
  const path = issue.path.join('.')
  const found = show(
    issue.path.reduce<unknown>((o, key) => (o as Record<PropertyKey, unknown> | undefined)?.[key], config),
  )
  if (issue.code === 'unrecognized_keys') {
    const known = knownKeys(issue.path, schemaOf(config))
    const keys = issue.keys.map((key) => {
      const close = nearest(key, known)
      return close ? `"${key}" (did you mean "${close}"?)` : `"${key}"`
    })
    const message = `${where}: ${path || 'the model config'} has unknown ${keys.length > 1 ? 'keys' : 'key'} ${keys.join(', ')}.`
    return new ClipwrightError('ERR_INVALID_ARGUMENT', message, { cause })
  }
  if (issue.code === 'invalid_value') {
    const supported = issue.values.map((v) => show(v)).join(' or ')
    const message = `${where}: "${path}": ${found} is not supported yet; this version builds models with ${supported}.`
    return new ClipwrightError('ERR_UNSUPPORTED', message, { cause })
  }
  if (
    path === 'vision_cfg.layers' &&
    Array.isArray((config as { vision_cfg: { layers: unknown } }).vision_cfg.layers)
  ) {
    const message = `${where}: "${path}": ${found} describes a ResNet, which is not supported; image towers are ViTs.`
    return new ClipwrightError('ERR_UNSUPPORTED', message, { cause })
  }
  const expected = issue.message.replace(/^Invalid input: /, '').replace(/, received .*$/, '')
  const message = `${where}: ${path ? `"${path}"` : 'the model config'}: ${expected}, got ${found}.`
  return new ClipwrightError('ERR_INVALID_ARGUMENT', message, { cause })
}

function knownKeys(path: PropertyKey[], schema: typeof causalModel | typeof bertModel): string[] {
  if (path[0] === 'vision_cfg') return Object.keys(vision.shape)
  if (path[0] === 'text_cfg') return Object.keys(schema.shape.text_cfg.shape)
  return Object.keys(model.shape)
}

function show(value: unknown): string {
  return value === undefined ? 'nothing' : JSON.stringify(value)
}
