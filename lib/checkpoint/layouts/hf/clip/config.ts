/** transformers' CLIPConfig (`configuration_clip.py`) from and to open_clip's configuration. */
import { z } from 'zod'
import { ClipwrightError } from '../../../../base/errors.js'
import { notAsExpected } from '../../../../files/json.js'
import type { ModelConfig } from '../../../../models/config.js'
import type { CausalTextConfig } from '../../../../models/model-config.js'
import type { NativeModel } from '../../../../native/model.js'
import type { NativeActivation } from '../../../../native/names.js'
import {
  activationOf,
  causalConfig,
  causalSchema,
  describeBlocks,
  describeVision,
  geluConfig,
  visionConfig,
  visionSchema,
  warnOfDropout,
} from '../towers.js'

export const MODEL_TYPE = 'clip'

const schema = z.looseObject({
  projection_dim: z.int().positive().default(512),
  logit_scale_init_value: z.number().default(2.6592),
  text_config: causalSchema.nullish(),
  vision_config: visionSchema.nullish(),
  // OpenAI's first uploads say it here, and transformers lets these win, their defaults included.
  text_config_dict: causalSchema.nullish(),
  vision_config_dict: visionSchema.nullish(),
})

/**
 * @param where the file, for messages
 * @throws ClipwrightError ERR_FORMAT naming the key that is not as such files have it, ERR_UNSUPPORTED for an activation
 *   or a way of pooling that is not there
 */
export function fromClip(value: unknown, where: string): ModelConfig {
  const parsed = schema.safeParse(value)
  if (!parsed.success) throw notAsExpected(where, parsed.error)
  const { projection_dim, logit_scale_init_value, ...towers } = parsed.data
  const text = towers.text_config_dict ?? towers.text_config ?? causalSchema.parse({})
  const vision = towers.vision_config_dict ?? towers.vision_config ?? visionSchema.parse({})
  warnOfDropout({ text_config: text, vision_config: vision }, where)
  const [ofImages, ofTexts] = [
    activationOf(vision.hidden_act, 'vision_config', where),
    activationOf(text.hidden_act, 'text_config', where),
  ]
  return {
    embed_dim: projection_dim,
    init_logit_scale: logit_scale_init_value,
    ...(ofImages === 'quick_gelu' && ofTexts === 'quick_gelu' && { quick_gelu: true }),
    vision_cfg: { ...visionConfig(vision, where), ...activationConfig(ofImages, ofTexts) },
    text_cfg: { ...causalConfig(text, where), ...activationConfig(ofTexts, ofImages), ...poolConfig(text, where) },
  }
}

/** open_clip says QuickGELU of both towers at once; of one alone says `act`, which is ours. */
function activationConfig(own: NativeActivation, other: NativeActivation) {
  if (own === other || (own !== 'quick_gelu' && other !== 'quick_gelu')) return geluConfig(own)
  return { act: own }
}

/** As transformers knows configurations from before it read the id of the end from them: rows of their largest id. */
const LARGEST = 2

/**
 * A caption's features are those of its first largest id, or of its first end. CLIP's end is the last of all ids, where both are
 * the same; other tokenizers have theirs anywhere.
 */
function poolConfig({ eos_token_id: end, vocab_size }: z.infer<typeof causalSchema>, where: string) {
  if (end === LARGEST || end === vocab_size - 1) return {}
  if (typeof end === 'number' && end >= 0 && end < vocab_size) return { pool_type: 'eos' as const, eos_id: end }
  const message = `${where}: text_config.eos_token_id ${JSON.stringify(end)} is not supported: captions are pooled where they end, so it must be one id below the ${vocab_size} of vocab_size, or ${LARGEST}, by which older files mean the largest.`
  throw new ClipwrightError('ERR_UNSUPPORTED', message)
}

/** Whether a tower is pooled at an end that CLIPTextConfig can name. */
export function isPooledAtEnd({ pool_type, eos_id }: CausalTextConfig): boolean {
  return pool_type === 'eos' && typeof eos_id === 'number' && eos_id !== LARGEST
}

const VISION_TYPE = 'clip_vision_model'
const TEXT_TYPE = 'clip_text_model'

/** Whether a `model_type` is that of one tower alone. */
export const isClipHalf = (type: unknown) => type === VISION_TYPE || type === TEXT_TYPE

/** What a model's features are multiplied by that has no scale of its own: CLIP's, as training leaves it. */
export const FULL_LOGIT_SCALE = Math.log(100)

const half = (type: string) =>
  z.looseObject({ model_type: z.literal(type), projection_dim: z.int().positive().default(512) })

/**
 * A CLIPConfig of two towers' own configurations.
 * @throws ClipwrightError ERR_FORMAT, ERR_MISMATCH
 */
export function joinClipConfigs(vision: unknown, ofImages: string, text: unknown, ofTexts: string): object {
  const [images, texts] = [half(VISION_TYPE).safeParse(vision), half(TEXT_TYPE).safeParse(text)]
  if (!images.success) throw notAsExpected(ofImages, images.error)
  if (!texts.success) throw notAsExpected(ofTexts, texts.error)
  const [width, other] = [images.data.projection_dim, texts.data.projection_dim]
  if (width !== other) {
    const message = `${ofImages} has projection_dim ${width}, ${ofTexts} ${other}: features of different lengths cannot be compared; load towers of one model.`
    throw new ClipwrightError('ERR_MISMATCH', message)
  }
  return {
    model_type: MODEL_TYPE,
    projection_dim: width,
    logit_scale_init_value: FULL_LOGIT_SCALE,
    text_config: texts.data,
    vision_config: images.data,
  }
}

/** Of a model with a causal text tower. */
export function toClip(model: NativeModel): object {
  const { embedDim, initLogitScale, text } = model
  const last = text.vocabSize - 1
  return {
    architectures: ['CLIPModel'],
    model_type: MODEL_TYPE,
    projection_dim: embedDim,
    logit_scale_init_value: initLogitScale,
    text_config: {
      model_type: TEXT_TYPE,
      vocab_size: text.vocabSize,
      ...describeBlocks(text),
      max_position_embeddings: text.contextLength,
      projection_dim: embedDim,
      bos_token_id: last - 1,
      eos_token_id: text.causal!.pool === 'eos' ? text.causal!.eosId : last,
      // What CLIP's tokenizer of transformers pads with; the tower sees nothing of it.
      pad_token_id: last,
    },
    vision_config: describeVision(model, VISION_TYPE),
  }
}
