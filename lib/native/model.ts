/** A model as the core takes it. */
import type {
  NativeActivation,
  NativeDistribution,
  NativeImagePool,
  NativePooler,
  NativeProjectionKind,
  NativeQueryKeyValue,
} from './names.js'

/** The resolved model, as the core wants it: numbers only, no names to look up. */
export type NativeModel = {
  embedDim: number
  /** Initial value of the logarithm; ln(1/0.07) by default. */
  initLogitScale: number
  /** Of the parameter logit_bias, which only some models have. */
  initLogitBias?: number
  vision: {
    kind: 'vit' | 'siglip' | 'eva'
    imageSize: number
    patchSize: number
    width: number
    layers: number
    heads: number
    mlpWidth: number
    activation: NativeActivation
    layerNormEps: number
    /** A row before the patches'. */
    classToken: boolean
    /** What LayerScale's factors begin as; undefined without. */
    layerScale?: number
    /** Whether a norm comes before the blocks. */
    lnPre: boolean
    pool: NativeImagePool
    /** The last norm is of the pooled row rather than of all rows. */
    poolFirst: boolean
    /** Positions are waves that do not learn. */
    sinCosPositions: boolean
    /** Of the kind 'eva'. */
    eva?: NativeEva
    mean: [number, number, number]
    std: [number, number, number]
  }
  text: {
    kind: 'causal' | 'bert'
    contextLength: number
    vocabSize: number
    width: number
    layers: number
    heads: number
    mlpWidth: number
    activation: NativeActivation
    layerNormEps: number
    /** Of the kind 'causal'. */
    causal?: NativeCausal
    /** Of the kind 'bert'. */
    bert?: NativeBert
  }
}

/** What timm's Eva towers have beside the numbers of every tower. */
export type NativeEva = {
  qkv: NativeQueryKeyValue
  /** Gated MLPs, and norms within both branches of a block. */
  swiglu: boolean
  /** The norms of a block are of what its branches give. */
  normLast: boolean
  /** Rotary positions of the patches; undefined without. */
  rotary?: {
    /** Side, in patches, of the square that places are counted on, whatever the pictures' own. */
    referenceGrid: number
    /** What rows and columns are counted from. */
    firstPlace: number
    /** The first half of a head's channels turns by the column rather than the row. */
    columnsFirst: boolean
  }
  /** Of pooling by attention; 0 without. */
  poolHeads: number
  poolMlpWidth: number
}

/** What CLIP's own text tower has beside the numbers of every tower. */
export type NativeCausal = {
  /** Whether no row sees a later one. Without, captions are padded to the whole context and see their padding. */
  mask: boolean
  /** What LayerScale's factors begin as; undefined without. */
  layerScale?: number
  projection: 'linear' | 'none'
  projectionBias: boolean
  /** The pooled row: of the first largest id, of the first `eosId`, the context's last, or the first. The core is told rows. */
  pool: 'argmax' | 'eos' | 'last' | 'first'
  eosId: number
  /** Of captions that are padded. */
  padId: number
}

/** Without biases. */
export type NativeProjection = {
  kind: NativeProjectionKind
  /** A matrix lies [in, out], as CLIP has it, or [out, in], as PyTorch's linear layers. An mlp's lie [out, in]. */
  inputMajor: boolean
  /** Of its initial weights. */
  init: NativeDistribution
}

/** What a BERT-like tower has beside the numbers of every tower. */
export type NativeBert = {
  /** Rows of the positional embedding, and the first token's. */
  positions: number
  firstPosition: number
  tokenTypes: number
  pooler: NativePooler
  lnFinal: boolean
  projection: NativeProjection
  initStd: number
  /** Rates of dropout in training: of embeddings and of what each branch of a block gives, and of attention's probabilities. */
  hiddenDropout: number
  attentionDropout: number
  /** Left out before captions reach the core, which knows no padding. */
  padId: number
}
