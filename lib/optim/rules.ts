/** How gradients become updates. */
import { z } from 'zod'
import { parseOptions } from '../base/options.js'
import type { Clip } from '../clip/clip.js'
import { OPTIMIZER_DEFAULTS } from './defaults.js'
import { Optimizer, type ParameterGroup } from './optimizer.js'
import { optimizerShape } from './schemas.js'

/** Options of AdamW. */
export type AdamWOptions = {
  /** Learning rate; a step may be given another. */
  lr: number
  /** Decay of the two moments; [0.9, 0.98] by default, as in CLIP's paper for ViTs. */
  betas?: [number, number]
  /** 1e-6 by default, likewise. */
  eps?: number
  /** Of parameters with at least two dimensions, unless a group says otherwise; 0.2 by default. */
  weightDecay?: number
  /** Parameters with rates of their own. */
  groups?: ParameterGroup[]
  /** Decay of moving averages of the weights, as 0.9999, which training measures and saves; none are kept by default. */
  ema?: number
}

const beta = z.number().min(0).lt(1)
const betas = ([beta1, beta2]: readonly [number, number]) => z.tuple([beta, beta]).default([beta1, beta2])
const weightDecay = (value: number) => optimizerShape.weightDecay.default(value)

function adamSchema(o: { betas: readonly [number, number]; eps: number; weightDecay: number }) {
  return z.strictObject({
    ...optimizerShape,
    betas: betas(o.betas),
    eps: z.number().positive().default(o.eps),
    weightDecay: weightDecay(o.weightDecay),
  })
}

const schemas = {
  adamw: adamSchema(OPTIMIZER_DEFAULTS.adamw),
  adam: adamSchema(OPTIMIZER_DEFAULTS.adam),
  lamb: adamSchema(OPTIMIZER_DEFAULTS.lamb),
  lion: z.strictObject({
    ...optimizerShape,
    betas: betas(OPTIMIZER_DEFAULTS.lion.betas),
    weightDecay: weightDecay(OPTIMIZER_DEFAULTS.lion.weightDecay),
  }),
  sgd: z.strictObject({
    ...optimizerShape,
    momentum: beta.default(OPTIMIZER_DEFAULTS.sgd.momentum),
    weightDecay: weightDecay(OPTIMIZER_DEFAULTS.sgd.weightDecay),
  }),
}

const twoMoments = ([beta1, beta2]: [number, number]) => ({ beta1, beta2, momentum: 0, moments: ['m', 'v'] as const })

/** Adam with decoupled weight decay (https://arxiv.org/abs/1711.05101, algorithm 2), as `torch.optim.AdamW`. */
export class AdamW extends Optimizer {
  /** @throws ClipwrightError ERR_INVALID_ARGUMENT, ERR_DISPOSED at the first step */
  constructor(clip: Clip, options: AdamWOptions) {
    const { betas, eps, ...rates } = parseOptions(schemas.adamw, options, 'AdamW')
    super(clip, { rule: 'adamw', ...twoMoments(betas), eps }, rates, 'AdamW')
  }
}

/** Options of Adam. */
export type AdamOptions = Omit<AdamWOptions, 'weightDecay'> & {
  /** Added to the gradients of parameters with at least two dimensions, unless a group says otherwise; 0 by default. */
  weightDecay?: number
}

/** Adam (https://arxiv.org/abs/1412.6980, algorithm 1), its weight decay part of the gradient, as `torch.optim.Adam`. */
export class Adam extends Optimizer {
  /** @throws ClipwrightError ERR_INVALID_ARGUMENT, ERR_DISPOSED at the first step */
  constructor(clip: Clip, options: AdamOptions) {
    const { betas, eps, ...rates } = parseOptions(schemas.adam, options, 'Adam')
    super(clip, { rule: 'adam', ...twoMoments(betas), eps }, rates, 'Adam')
  }
}

/** Options of Lion. Its updates all have the size of the rate: the paper takes an lr 3 to 10 times smaller than AdamW's. */
export type LionOptions = Omit<AdamWOptions, 'betas' | 'eps' | 'weightDecay'> & {
  /** Of the direction that is taken, and of the moment that is kept; [0.9, 0.99] by default. */
  betas?: [number, number]
  /**
   * Of parameters with at least two dimensions, unless a group says otherwise; 0 by default. The paper takes 3 to 10
   * times AdamW's.
   */
  weightDecay?: number
}

/**
 * Lion (https://arxiv.org/abs/2302.06675, algorithm 2), which keeps one moment:
 * w = w − lr · (sign(β₁ · m + (1 − β₁) · g) + weightDecay · w), then m = β₂ · m + (1 − β₂) · g.
 */
export class Lion extends Optimizer {
  /** @throws ClipwrightError ERR_INVALID_ARGUMENT, ERR_DISPOSED at the first step */
  constructor(clip: Clip, options: LionOptions) {
    const { betas, ...rates } = parseOptions(schemas.lion, options, 'Lion')
    const [beta1, beta2] = betas
    super(clip, { rule: 'lion', beta1, beta2, eps: 0, momentum: 0, moments: ['m'] }, rates, 'Lion')
  }
}

/** Options of Lamb. */
export type LambOptions = Omit<AdamWOptions, 'betas' | 'weightDecay'> & {
  /** Decay of the two moments; [0.9, 0.999] by default. */
  betas?: [number, number]
  /** Of parameters with at least two dimensions, unless a group says otherwise; 0.01 by default, as in the paper. */
  weightDecay?: number
}

/**
 * LAMB (https://arxiv.org/abs/1904.00962, algorithm 2 with φ the identity): AdamW's update u with its decay,
 * d = u + weightDecay · w, is given the length of its parameter: w = w − lr · (‖w‖ / ‖d‖) · d. Where either norm is 0
 * their ratio is taken as 1.
 */
export class Lamb extends Optimizer {
  /** @throws ClipwrightError ERR_INVALID_ARGUMENT, ERR_DISPOSED at the first step */
  constructor(clip: Clip, options: LambOptions) {
    const { betas, eps, ...rates } = parseOptions(schemas.lamb, options, 'Lamb')
    super(clip, { rule: 'lamb', ...twoMoments(betas), eps }, rates, 'Lamb')
  }
}

/** Options of Sgd. */
export type SgdOptions = {
  /** Learning rate; a step may be given another. */
  lr: number
  /** 0 by default. */
  momentum?: number
  /** Added to the gradients of parameters with at least two dimensions, unless a group says otherwise; 0 by default. */
  weightDecay?: number
  /** Parameters with rates of their own. */
  groups?: ParameterGroup[]
  /** Decay of moving averages of the weights, as 0.9999, which training measures and saves; none are kept by default. */
  ema?: number
}

/** Stochastic gradient descent with momentum, as `torch.optim.SGD`: v = momentum · v + g, w = w − lr · v. */
export class Sgd extends Optimizer {
  /** @throws ClipwrightError ERR_INVALID_ARGUMENT, ERR_DISPOSED at the first step */
  constructor(clip: Clip, options: SgdOptions) {
    const { momentum, ...rates } = parseOptions(schemas.sgd, options, 'Sgd')
    // The core allocates no moment that the rule does not use.
    const moments = momentum > 0 ? (['m'] as const) : []
    super(clip, { rule: 'sgd', beta1: 0, beta2: 0, eps: 0, momentum, moments }, rates, 'Sgd')
  }
}
