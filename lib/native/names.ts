/** What the core calls its enumerations: `native/engine/names.h` has the same names. Schemas and flags list these. */

/** Type of activations and products; weights, their gradients and loss stay f32. fp16's loss is scaled: `Optimizer.step`. */
export type Precision = 'fp32' | 'bf16' | 'fp16'
/** Weights may be stored as each of them, too. */
export const PRECISIONS = ['fp32', 'bf16', 'fp16'] as const satisfies Precision[]

/** 'int8': products of weights and activations that are rounded to 8 bits, for encoding alone. */
export type EncodingPrecision = Precision | 'int8'
export const ENCODING_PRECISIONS = [...PRECISIONS, 'int8'] as const satisfies EncodingPrecision[]

export const ACTIVATIONS = ['gelu', 'gelu_tanh', 'quick_gelu'] as const
export type NativeActivation = (typeof ACTIVATIONS)[number]

/** What of an image tower's rows becomes its feature: the class token, the mean of the patches, or what a learned query sees. */
export const IMAGE_POOLS = ['token', 'mean', 'attention'] as const
export type NativeImagePool = (typeof IMAGE_POOLS)[number]

/** How q, k and v come of their input: by one matrix and bias, the keys' without a bias, or by a matrix each, the keys' without. */
export const QUERY_KEY_VALUES = ['joint', 'joint_no_key_bias', 'apart'] as const
export type NativeQueryKeyValue = (typeof QUERY_KEY_VALUES)[number]

/** What follows a BERT-like encoder: the [CLS] row, that row through a dense layer and tanh, or the mean of all rows. */
export const POOLERS = ['cls', 'pooler', 'mean'] as const
export type NativePooler = (typeof POOLERS)[number]

/** From the pooled width to embed_dim: a matrix, two linear layers with GELU between, or nothing. */
export const PROJECTIONS = ['linear', 'mlp', 'none'] as const
export type NativeProjectionKind = (typeof PROJECTIONS)[number]

/** Of initial weights: normal(0, 1/√in) or uniform(±1/√in). */
export const DISTRIBUTIONS = ['normal', 'uniform'] as const
export type NativeDistribution = (typeof DISTRIBUTIONS)[number]

export const RULES = ['adamw', 'adam', 'lion', 'lamb', 'sgd'] as const
export type NativeRule = (typeof RULES)[number]

/** Values of a parameter, its gradient, an optimizer's moments and average of it, and the value with what an adapter adds. */
export const SLOTS = ['value', 'grad', 'm', 'v', 'average', 'merged'] as const
export type NativeSlot = (typeof SLOTS)[number]

export const REDUCTIONS = ['mean', 'sum'] as const
export type NativeReduction = (typeof REDUCTIONS)[number]

/** What a student is held to of its teacher's. */
export const DISTILLATIONS = ['logits', 'features'] as const
export type NativeDistillation = (typeof DISTILLATIONS)[number]

/** Of a resize. */
export const FILTERS = ['bicubic', 'bilinear', 'nearest'] as const
export type NativeFilter = (typeof FILTERS)[number]
