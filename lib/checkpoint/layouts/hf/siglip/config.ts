/** transformers' SiglipConfig (`configuration_siglip.py`) from and to open_clip's configuration. */
import { z } from 'zod'
import { ClipwrightError } from '../../../../base/errors.js'
import { notAsExpected } from '../../../../files/json.js'
import type { ModelConfig } from '../../../../models/config.js'
import { describeSiglip } from '../../../../models/towers/siglip.js'
import type { NativeModel } from '../../../../native/model.js'
import {
  activationOf,
  blocksConfig,
  describeBlocks,
  dropoutKeys,
  geluConfig,
  requireHeads,
  warnOfDropout,
} from '../towers.js'

export const MODEL_TYPE = 'siglip'

const count = z.int().positive()
const blocks = {
  ...dropoutKeys,
  hidden_size: count.default(768),
  intermediate_size: count.default(3072),
  num_hidden_layers: count.default(12),
  num_attention_heads: count.default(12),
  hidden_act: z.string().default('gelu_pytorch_tanh'),
  layer_norm_eps: z.number().positive().default(1e-6),
}
const textSchema = z.looseObject({
  ...blocks,
  vocab_size: count.default(32000),
  max_position_embeddings: count.default(64),
  projection_size: count.nullish(),
  pad_token_id: z.int().min(0).nullable().default(1),
})
const visionSchema = z.looseObject({
  ...blocks,
  num_channels: z.literal(3).default(3),
  image_size: count.default(224),
  patch_size: count.default(16),
  vision_use_head: z.literal(true).default(true),
})
const schema = z.looseObject({ text_config: textSchema.nullish(), vision_config: visionSchema.nullish() })

/** open_clip's names of SigLIP's tokenizers, by the number of their ids. */
const TOKENIZERS: Readonly<Record<number, string>> = {
  32000: 'timm/ViT-B-16-SigLIP',
  250000: 'timm/ViT-B-16-SigLIP-i18n-256',
  256000: 'timm/ViT-B-16-SigLIP2',
}

/**
 * @param where the file, for messages
 * @throws ClipwrightError ERR_FORMAT naming the key that is not as such files have it, ERR_UNSUPPORTED
 */
export function fromSiglip(value: unknown, where: string): ModelConfig {
  const parsed = schema.safeParse(value)
  if (!parsed.success) throw notAsExpected(where, parsed.error)
  const text = parsed.data.text_config ?? textSchema.parse({})
  const vision = parsed.data.vision_config ?? visionSchema.parse({})
  warnOfDropout({ text_config: text, vision_config: vision }, where)
  requireHeads(text, 'text_config', where)
  requireHeads(vision, 'vision_config', where)
  const projection = text.projection_size ?? text.hidden_size
  if (projection !== vision.hidden_size) {
    const message = `${where}: text_config.projection_size ${projection} must be vision_config.hidden_size ${vision.hidden_size}, or features of texts and pictures could not be compared.`
    throw new ClipwrightError('ERR_FORMAT', message)
  }
  return {
    embed_dim: vision.hidden_size,
    // As its training begins; the weights have their own.
    init_logit_scale: Math.log(10),
    init_logit_bias: -10,
    custom_text: true,
    vision_cfg: describeSiglip({
      imageSize: vision.image_size,
      patchSize: vision.patch_size,
      width: vision.hidden_size,
      layers: vision.num_hidden_layers,
      heads: vision.num_attention_heads,
      mlpWidth: vision.intermediate_size,
      activation: activationOf(vision.hidden_act, 'vision_config', where),
      layerNormEps: vision.layer_norm_eps,
    }),
    text_cfg: {
      context_length: text.max_position_embeddings,
      vocab_size: text.vocab_size,
      ...blocksConfig(text),
      heads: text.num_attention_heads,
      ...geluConfig(activationOf(text.hidden_act, 'text_config', where)),
      no_causal_mask: true,
      pool_type: 'last',
      proj_bias: true,
      pad_id: text.pad_token_id ?? 0,
      // Which open_clip would take: where it lies beside the weights, that one.
      hf_tokenizer_name: TOKENIZERS[text.vocab_size] ?? TOKENIZERS[32000]!,
      tokenizer_kwargs: { clean: 'canonicalize' },
    },
  }
}

/** Of a model with SigLIP's towers. */
export function toSiglip({ vision: v, text: t, embedDim }: NativeModel): object {
  return {
    architectures: ['SiglipModel'],
    model_type: MODEL_TYPE,
    text_config: {
      model_type: 'siglip_text_model',
      vocab_size: t.vocabSize,
      ...describeBlocks(t),
      max_position_embeddings: t.contextLength,
      projection_size: embedDim,
      pad_token_id: t.causal!.padId,
    },
    vision_config: {
      model_type: 'siglip_vision_model',
      ...describeBlocks(v),
      num_channels: 3,
      image_size: v.imageSize,
      patch_size: v.patchSize,
      vision_use_head: true,
    },
  }
}
