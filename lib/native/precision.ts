/** Type of activations and products; weights, their gradients and loss stay f32. fp16's loss is scaled: `Optimizer.step`. */
export type Precision = 'fp32' | 'bf16' | 'fp16'

/** Weights are stored in the same types. */
export const PRECISIONS = ['fp32', 'bf16', 'fp16'] as const satisfies Precision[]
