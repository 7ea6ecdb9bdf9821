/** open_clip's model configuration as a plain type. `config.ts` and `towers/` check what is read; a test holds them against it. */

/**
 * open_clip's model configuration (`model_configs/*.json`), key for key. Keys that are left out have open_clip's
 * defaults (`CLIPVisionCfg`, `CLIPTextCfg` in `src/open_clip/model.py`). Keys of features that are not there yet may only
 * hold what leaves them off.
 */
export interface ModelConfig {
  /** Length of a feature. */
  embed_dim: number
  /** The image tower. */
  vision_cfg: VisionConfig
  /** The text tower. */
  text_cfg: TextConfig
  /** QuickGELU in both towers, as in OpenAI's own models; GELU by default. */
  quick_gelu?: boolean
  /** The logarithm of the initial logit scale; ln(1/0.07) by default. */
  init_logit_scale?: number
  /** What is added to logits at first, by the parameter logit_bias; models without have none. */
  init_logit_bias?: number | null
  /** Not there yet. */
  nonscalar_logit_scale?: false | null
  /** open_clip keeps the text tower's weights under `text.` then. */
  custom_text?: boolean | null
  /** Not there yet. */
  multimodal_cfg?: null
}

/** Keys of the towers that open_clip builds of its own blocks. */
export interface TransformerConfig {
  /** Blocks; 12 by default. */
  layers?: number
  /** Of a row; 768 in image towers by default, 512 in text towers. */
  width?: number
  /** The MLP's width is this times `width`, rounded down; 4 by default. */
  mlp_ratio?: number
  /** This tower's activation, whatever `quick_gelu` says; a key of our own, for towers that do not have the same. */
  act?: 'gelu' | 'gelu_tanh' | 'quick_gelu'
  /** Of GELU: 'tanh' for its approximation by tanh. */
  act_kwargs?: { approximate?: 'none' | 'tanh' } | null
  /** Of the norms: their epsilon, 1e-5 by default. */
  norm_kwargs?: { eps?: number } | null
  /** With LayerScale (https://arxiv.org/abs/2103.17239): what its factors begin as. */
  ls_init_value?: number | null
  /** Whether the last norm is of the pooled row, rather than of all rows before they are pooled. */
  final_ln_after_pool?: boolean | null
  /** Of interest to captioning models only. */
  output_tokens?: false | null
  /** Not there yet. */
  block_type?: 'default' | null
  /** Not there yet. */
  qk_norm?: false | null
  /** Not there yet. */
  scaled_cosine_attn?: false | null
  /** Not there yet. */
  scale_heads?: false | null
  /** Not there yet. */
  scale_attn_inner?: false | null
  /** Not there yet. */
  scale_attn?: false | null
  /** Not there yet. */
  scale_fc?: false | null
}

/** A vision transformer. */
export interface VitConfig extends TransformerConfig {
  /** Of an attention head, of which there are `width / head_width`; 64 by default. */
  head_width?: number
  /** Side of a picture in pixels; 224 by default. A pair must be of equal numbers. */
  image_size?: number | [number, number]
  /** Side of a patch in pixels; 16 by default. */
  patch_size?: number | [number, number]
  /** Share of each picture's patches that training leaves out (https://arxiv.org/abs/2212.00794); 0 by default. */
  patch_dropout?: number | null
  /** No norm between the embeddings and the blocks. */
  no_ln_pre?: boolean | null
  /** Positions that are learned, or fixed waves ('sin_cos_2d'); 'learnable' by default. */
  pos_embed_type?: 'learnable' | 'sin_cos_2d'
  /** The class token ('tok', the default), or the mean of the patches ('avg'). */
  pool_type?: 'tok' | 'avg'
  /** Not there yet. */
  image_seq_len?: null
  /** Not there yet. */
  attentional_pool?: false | null
  /** Of `attentional_pool`. */
  attn_pooler_queries?: unknown
  /** Of `attentional_pool`. */
  attn_pooler_heads?: unknown
  /** Not there yet. */
  timm_model_name?: null
  /** Of `timm_model_name`. */
  timm_model_pretrained?: unknown
  /** Of `timm_model_name`. */
  timm_pool?: unknown
  /** Of `timm_model_name`. */
  timm_proj?: unknown
  /** Of `timm_model_name`. */
  timm_proj_bias?: unknown
  /** Of `timm_model_name`. */
  timm_drop?: unknown
  /** Of `timm_model_name`. */
  timm_drop_path?: unknown
  /** Of `timm_model_name`. */
  timm_model_kwargs?: unknown
}

/** SigLIP's image tower, which timm has. */
export interface SiglipConfig {
  /** `vit_SIZE_patchN_siglip_N` with timm's sizes base, large, so400m and giantopt. */
  timm_model_name: string
  /** Its pooling by attention. */
  timm_pool: 'map'
  /** No projection: features have the tower's width. */
  timm_proj: 'none'
  /** Side of a picture in pixels; that of the name by default. A pair must be of equal numbers. */
  image_size?: number | [number, number]
  /** Share of each picture's patches that training leaves out (https://arxiv.org/abs/2212.00794); 0 by default. */
  patch_dropout?: number | null
  /** Side of a patch in pixels; that of the name by default. This key and those below are ours for such towers. */
  patch_size?: number
  /** Of a row; timm's by default. */
  width?: number
  /** Blocks; timm's by default. */
  layers?: number
  /** Of an attention head, of which there are `width / head_width`. */
  head_width?: number
  /** The MLP's width is this times `width`, rounded down. */
  mlp_ratio?: number
  /** timm's by default. */
  act?: 'gelu' | 'gelu_tanh' | 'quick_gelu'
  /** Of the norms: their epsilon, 1e-6 by default. */
  norm_kwargs?: { eps?: number } | null
  /** Not there yet. */
  timm_model_pretrained?: false | null
  /** Not there yet. */
  timm_proj_bias?: false | null
  /** Not there yet. */
  timm_drop?: 0 | null
  /** Not there yet. */
  timm_drop_path?: 0 | null
  /** Not there yet. */
  timm_model_kwargs?: null
  /** Of interest to captioning models only. */
  output_tokens?: false | null
}

/** A tower of timm's class Eva: EVA, EVA-02 and Perception Encoder. */
export interface EvaConfig {
  /** timm's: `eva_giant_patch14_224`, `eva02_SIZE_patchN_clip_N` or `vit_pe_core_SIZE_patchN_N`. */
  timm_model_name: string
  /** As the named model has it: the class token, or pooling by attention in Perception Encoder. */
  timm_pool: 'token' | 'map'
  /** The tower's own head projects, with a bias. */
  timm_proj?: null
  /** Side of a picture in pixels; that of the name by default. A pair must be of equal numbers. */
  image_size?: number | [number, number]
  /** Share of each picture's patches that training leaves out (https://arxiv.org/abs/2212.00794); 0 by default. */
  patch_dropout?: number | null
  /** Side of a patch in pixels; that of the name by default. This key and those below are ours for such towers. */
  patch_size?: number
  /** Of a row; timm's by default. */
  width?: number
  /** Blocks; timm's by default. */
  layers?: number
  /** Of an attention head, of which there are `width / head_width`. */
  head_width?: number
  /** The MLP's width is this times `width`, rounded down. */
  mlp_ratio?: number
  /** Not there yet. */
  timm_model_pretrained?: false | null
  /** Not there yet. */
  timm_proj_bias?: false | null
  /** Not there yet. */
  timm_drop?: 0 | null
  /** Not there yet. */
  timm_drop_path?: 0 | null
  /** Not there yet. */
  timm_model_kwargs?: null
  /** Of interest to captioning models only. */
  output_tokens?: false | null
}

/** How captions become ids by Hugging Face's tokenizer; further keys are transformers' own. */
export interface TokenizerKwargs {
  /** What is done to captions before, as open_clip does it: 'whitespace' by default; SigLIP's are 'canonicalize'. */
  clean?: 'none' | 'whitespace' | 'lower' | 'canonicalize'
  /** The id of the token that ends captions is 0: CLIPA's. */
  strip_sep_token?: boolean
  [key: string]: unknown
}

/** CLIP's own text tower, causal unless `no_causal_mask`. */
export interface CausalTextConfig extends TransformerConfig {
  /** Tokens of a caption at most, start and end included; 77 by default. */
  context_length?: number
  /** Ids of the tokenizer; 49408 by default, CLIP's. */
  vocab_size?: number
  /** Attention heads; 8 by default. */
  heads?: number
  /** The tower's own name. */
  text_arch?: 'clip'
  /** Every token sees all others, padding included. */
  no_causal_mask?: boolean | null
  /** The row that is the feature: of the first largest id ('argmax', the default), of `eos_id`, the last, or the first. */
  pool_type?: 'argmax' | 'eos' | 'last' | 'first'
  /** Of the end token, for 'eos'; 2 by default. */
  eos_id?: number | null
  /** Of the padding; 0 by default. */
  pad_id?: number | null
  /** Unused. */
  bos_id?: unknown
  /** A projection with a bias. */
  proj_bias?: boolean | null
  /** 'none': the row is the feature as it is. */
  proj_type?: 'linear' | 'none'
  /** A tokenizer of Hugging Face's that the captions go through, instead of CLIP's: its tokenizer.json lies beside the weights. */
  hf_tokenizer_name?: string | null
  /** Of that tokenizer. */
  tokenizer_kwargs?: TokenizerKwargs | null
  /** Not there yet. */
  tokenizer_mode?: null
  /** Not there yet. */
  tokenizer_type?: '' | null
  /** Of `tokenizer_type`. */
  tiktoken_name?: unknown
  /** Not there yet. */
  variable_text?: false | null
  /** Not there yet. */
  embed_cls?: false | null
  /** Not there yet: `hf_config` describes such towers. */
  hf_model_name?: null
  /** Of `hf_model_name`. */
  hf_model_pretrained?: unknown
  /** Of `hf_model_name`. */
  hf_proj_type?: unknown
  /** Of `hf_model_name`. */
  hf_pooler_type?: unknown
}

/** A BERT-like text tower: transformers' configuration, and what follows the encoder. */
export interface BertTextConfig {
  /** Keys that are left out have transformers' defaults. */
  hf_config: BertConfig
  /** How rows are pooled: the [CLS] row, that row through transformers' pooler, or the mean. */
  pooler: 'cls' | 'pooler' | 'mean'
  /** Whether a norm follows. */
  ln_final: boolean
  /** The projection: a matrix, two linear layers with GELU between them, or none. */
  proj: 'linear' | 'mlp' | 'none'
  /** Tokens of a caption at most; as many as there are positions by default. */
  context_length?: number
  /** Not there yet. */
  hf_model_name?: '' | null
  /** Of the tokenizer whose tokenizer.json lies beside the weights. */
  hf_tokenizer_name?: string | null
  /** Of that tokenizer. */
  tokenizer_kwargs?: TokenizerKwargs | null
  /** Of `hf_model_name`. */
  hf_model_pretrained?: unknown
  /** Of `hf_model_name`. */
  hf_proj_type?: unknown
  /** Of `hf_model_name`. */
  hf_pooler_type?: unknown
}

/** transformers' `BertConfig` or `XLMRobertaConfig`. Further keys are kept as they are. */
export interface BertConfig {
  model_type: 'bert' | 'roberta' | 'xlm-roberta'
  /** 30522 by default. */
  vocab_size?: number
  /** 768 by default. */
  hidden_size?: number
  /** 12 by default. */
  num_hidden_layers?: number
  /** 12 by default. */
  num_attention_heads?: number
  /** 3072 by default. */
  intermediate_size?: number
  /** 'gelu' by default. */
  hidden_act?: 'gelu' | 'gelu_new' | 'gelu_pytorch_tanh' | 'quick_gelu'
  /** 512 by default. */
  max_position_embeddings?: number
  /** 2 by default. */
  type_vocab_size?: number
  /** Standard deviation of initial weights; 0.02 by default. */
  initializer_range?: number
  /** Rate of dropout in training: of the embeddings and of what attention and MLP give; 0.1 by default. */
  hidden_dropout_prob?: number
  /** Rate of dropout in training of attention's probabilities; 0.1 by default. */
  attention_probs_dropout_prob?: number
  /** 1e-12 by default. */
  layer_norm_eps?: number
  /** 0 by default in BERT, 1 in the others. */
  pad_token_id?: number | null
  /** No others are there. */
  position_embedding_type?: 'absolute' | null
  /** Not there. */
  is_decoder?: false | null
  /** Not there. */
  add_cross_attention?: false | null
  [further: string]: unknown
}

/** One of them, where keys of the others can be read but not given. */
export type VisionConfig = Exclusive<VitConfig | SiglipConfig | EvaConfig>
/** One of them, where keys of the others can be read but not given. */
export type TextConfig = Exclusive<BertTextConfig | CausalTextConfig>

type KeysOf<Union> = Union extends unknown ? keyof Union : never
type Exclusive<Union, All = Union> = Union extends unknown
  ? Union & { [K in Exclude<KeysOf<All>, keyof Union>]?: never }
  : never
