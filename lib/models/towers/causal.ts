/**
 * CLIP's own text tower (`CLIPTextCfg` of open_clip): a transformer, causal unless `no_causal_mask`, one of whose rows is the
 * feature.
 */
import { z } from 'zod'
import { invalid } from '../../base/errors.js'
import type { CausalTextConfig } from '../model-config.js'
import { count, flag, id, idle, none, off } from './keys.js'
import { jsonTokenizer, tokenizerKwargs } from './tokenizer.js'
import type { TextTower } from './tower.js'
import { activation, heads, layerScale, mlpWidth, transformerKeys } from './transformer.js'

export const causalSchema = z.strictObject({
  ...transformerKeys,
  context_length: count.optional(),
  vocab_size: count.optional(),
  heads: count.optional(),
  text_arch: z.literal('clip').optional(),
  variable_text: off,
  embed_cls: off,
  pad_id: id.nullable().optional(),
  bos_id: idle,
  eos_id: id.nullable().optional(),
  no_causal_mask: flag.nullable().optional(),
  pool_type: z.literal(['argmax', 'eos', 'last', 'first']).optional(),
  proj_bias: flag.nullable().optional(),
  proj_type: z.literal(['linear', 'none']).optional(),
  tokenizer_mode: none,
  tokenizer_kwargs: tokenizerKwargs,
  tokenizer_type: z.literal(['', null]).optional(),
  tiktoken_name: idle,
  hf_tokenizer_name: z.string().nullable().optional(),
  hf_model_name: none,
  hf_model_pretrained: idle,
  hf_proj_type: idle,
  hf_pooler_type: idle,
})

export const causal: TextTower<CausalTextConfig> = {
  is: () => true,
  schema: causalSchema,
  tokenizer({ hf_tokenizer_name: name, tokenizer_kwargs, pad_id, vocab_size }) {
    return name ? jsonTokenizer(name, tokenizer_kwargs, pad_id ?? 0, vocab_size ?? 49408) : { type: 'clip' }
  },
  resolve(model, text, where) {
    const width = text.width ?? 512
    const vocabSize = text.vocab_size ?? 49408
    const projection = text.proj_type ?? 'linear'
    if (projection === 'none' && width !== model.embed_dim) {
      throw invalid(`${where}: text_cfg.proj_type "none" needs a width ${width} equal to embed_dim ${model.embed_dim}`)
    }
    const padId = text.pad_id ?? 0
    const eosId = text.eos_id ?? 2
    for (const [key, value] of Object.entries({ pad_id: padId, ...(text.pool_type === 'eos' && { eos_id: eosId }) })) {
      if (value >= vocabSize) throw invalid(`${where}: text_cfg.${key} ${value} must be an id below ${vocabSize}`)
    }
    return {
      kind: 'causal',
      contextLength: text.context_length ?? 77,
      vocabSize,
      width,
      layers: text.layers ?? 12,
      heads: heads(width, text.heads ?? 8, `text_cfg.heads ${text.heads ?? 8}`, where),
      mlpWidth: mlpWidth(width, text, 'text_cfg', where),
      activation: activation(model.quick_gelu, text, 'text_cfg', where),
      layerNormEps: text.norm_kwargs?.eps ?? 1e-5,
      causal: {
        mask: !text.no_causal_mask,
        ...layerScale(text),
        projection,
        projectionBias: projection === 'linear' && (text.proj_bias ?? false),
        pool: text.pool_type ?? 'argmax',
        eosId,
        padId,
      },
    }
  },
}
