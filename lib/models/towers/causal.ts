/** CLIP's own text tower: a causal transformer whose row of the last token is the feature (`CLIPTextCfg` of open_clip). */
import { z } from 'zod'
import { count, idle, none, off } from './keys.js'
import type { TextTower } from './tower.js'
import { activation, heads, mlpWidth, transformerKeys } from './transformer.js'

export const causalSchema = z.strictObject({
  ...transformerKeys,
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

export type CausalTextConfig = z.input<typeof causalSchema>

export const causal: TextTower<CausalTextConfig> = {
  is: () => true,
  schema: causalSchema,
  tokenizer: () => ({ type: 'clip' }),
  resolve(model, text, where) {
    const width = text.width ?? 512
    return {
      kind: 'causal',
      contextLength: text.context_length ?? 77,
      vocabSize: text.vocab_size ?? 49408,
      width,
      layers: text.layers ?? 12,
      heads: heads(width, text.heads ?? 8, `text_cfg.heads ${text.heads ?? 8}`, where),
      mlpWidth: mlpWidth(width, text, 'text_cfg', where),
      activation: activation(model.quick_gelu, text, 'text_cfg', where),
      layerNormEps: text.norm_kwargs?.eps ?? 1e-5,
    }
  },
}
