/** What the optimizers are called in options, and what they do when they are not told. */
import { RULES } from '../native/names.js'

/** `adamw`, `adam`, `lion`, `lamb` and `sgd` are the classes AdamW, Adam, Lion, Lamb and Sgd. */
export type OptimizerName = 'adamw' | 'adam' | 'lion' | 'lamb' | 'sgd'
export const OPTIMIZERS: readonly OptimizerName[] = RULES

/** Only what an optimizer knows stands here. */
export const OPTIMIZER_DEFAULTS = {
  adamw: { betas: [0.9, 0.98], eps: 1e-6, weightDecay: 0.2 },
  adam: { betas: [0.9, 0.98], eps: 1e-6, weightDecay: 0 },
  lion: { betas: [0.9, 0.99], weightDecay: 0 },
  lamb: { betas: [0.9, 0.999], eps: 1e-6, weightDecay: 0.01 },
  sgd: { momentum: 0, weightDecay: 0 },
} as const satisfies Record<
  OptimizerName,
  { betas?: [number, number]; eps?: number; momentum?: number; weightDecay: number }
>
