/** A BERT-like text tower, described by transformers' configuration. */
import { z } from 'zod'
import { invalid } from '../../base/errors.js'
import type { NativeProjection } from '../../native/model.js'
import { type NativeActivation, type NativeProjectionKind, POOLERS, PROJECTIONS } from '../../native/names.js'
import type { BertTextConfig } from '../model-config.js'
import { count, flag, idle, off } from './keys.js'
import { jsonTokenizer, tokenizerKwargs } from './tokenizer.js'
import type { TextTower } from './tower.js'
import { heads } from './transformer.js'

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

/** The names that open_clip gives the tower's parts are kept, but it is built from the keys that are ours. */
export const bertSchema = z.strictObject({
  hf_config: hfConfig,
  pooler: z.enum(POOLERS),
  ln_final: flag,
  proj: z.enum(PROJECTIONS),
  context_length: count.optional(),
  hf_model_name: z.literal(['', null]).optional(),
  hf_tokenizer_name: z.string().nullable().optional(),
  tokenizer_kwargs: tokenizerKwargs,
  hf_model_pretrained: idle,
  hf_proj_type: idle,
  hf_pooler_type: idle,
})

export const isBert = (text: unknown): text is BertTextConfig =>
  typeof text === 'object' && text !== null && 'hf_config' in text

const ACTIVATIONS = {
  gelu: 'gelu',
  gelu_new: 'gelu_tanh',
  gelu_pytorch_tanh: 'gelu_tanh',
  quick_gelu: 'quick_gelu',
} as const satisfies Record<string, NativeActivation>

/** Defaults are those of transformers' BertConfig and XLMRobertaConfig, which differ in the id of padding. */
export const bert: TextTower<BertTextConfig> = {
  is: isBert,
  schema: bertSchema,
  tokenizer({ hf_config: hf, hf_tokenizer_name: name, tokenizer_kwargs }) {
    const isBert = hf.model_type === 'bert'
    if (isBert && !name) return { type: 'bert', lowerCase: true }
    return jsonTokenizer(
      name ?? undefined,
      tokenizer_kwargs,
      hf.pad_token_id ?? (isBert ? 0 : 1),
      hf.vocab_size ?? 30522,
    )
  },
  resolve(model, text, where) {
    const { hf_config: hf, pooler, ln_final: lnFinal, proj: projection } = text
    const roberta = hf.model_type !== 'bert'
    const padId = hf.pad_token_id ?? (roberta ? 1 : 0)
    const positions = hf.max_position_embeddings ?? 512
    // RoBERTa's kin count positions from the id after padding's.
    const firstPosition = roberta ? padId + 1 : 0
    const contextLength = text.context_length ?? positions - firstPosition
    if (contextLength < 1 || contextLength > positions - firstPosition) {
      const limit = `hf_config.max_position_embeddings ${positions}, of which the tower leaves out ${firstPosition}`
      throw invalid(`${where}: text_cfg.context_length ${contextLength} must fit ${limit}`)
    }
    const width = hf.hidden_size ?? 768
    if (projection === 'none' && width !== model.embed_dim) {
      const equal = `an hf_config.hidden_size ${width} equal to embed_dim ${model.embed_dim}`
      throw invalid(`${where}: text_cfg.proj "none" needs ${equal}`)
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
      activation: ACTIVATIONS[hf.hidden_act ?? 'gelu'],
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
  },
}

/**
 * open_clip's linear layers are PyTorch's, as they begin; the reference projects by one matrix, laid and drawn as CLIP's.
 * Two layers are open_clip's alone.
 */
function bertProjection(kind: NativeProjectionKind, roberta: boolean): NativeProjection {
  const matrix = kind === 'linear' && !roberta
  return { kind, inputMajor: matrix, init: matrix ? 'normal' : 'uniform' }
}
