/** How gradients become updates. */
import { z } from 'zod'
import type { Clip } from './clip.js'
import { Optimizer, optimizerShape, type ParameterGroup } from './optimizer.js'
import { parseOptions } from './options.js'

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
}

const beta = z.number().min(0).lt(1)

const adamWSchema = z.strictObject({
  ...optimizerShape,
  betas: z.tuple([beta, beta]).default([0.9, 0.98]),
  eps: z.number().positive().default(1e-6),
  weightDecay: optimizerShape.weightDecay.default(0.2),
})

/** Adam with decoupled weight decay (https://arxiv.org/abs/1711.05101, algorithm 2), as `torch.optim.AdamW`. */
export class AdamW extends Optimizer {
  /** @throws ClipwrightError ERR_INVALID_ARGUMENT, ERR_DISPOSED at the first step */
  constructor(clip: Clip, options: AdamWOptions) {
    const { betas, eps, ...rates } = parseOptions(adamWSchema, options, 'AdamW')
    const [beta1, beta2] = betas
    super(clip, { rule: 'adamw', beta1, beta2, eps, momentum: 0, moments: ['m', 'v'] }, rates, 'AdamW')
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
}

const sgdSchema = z.strictObject({
  ...optimizerShape,
  momentum: beta.default(0),
  weightDecay: optimizerShape.weightDecay.default(0),
})

/** Stochastic gradient descent with momentum, as `torch.optim.SGD`: v = momentum · v + g, w = w − lr · v. */
export class Sgd extends Optimizer {
  /** @throws ClipwrightError ERR_INVALID_ARGUMENT, ERR_DISPOSED at the first step */
  constructor(clip: Clip, options: SgdOptions) {
    const { momentum, ...rates } = parseOptions(sgdSchema, options, 'Sgd')
    // The core allocates no moment that the rule does not use.
    const moments = momentum > 0 ? (['m'] as const) : []
    super(clip, { rule: 'sgd', beta1: 0, beta2: 0, eps: 0, momentum, moments }, rates, 'Sgd')
  }
}
