/** What optimizers may be told. Apart from their public types, which know nothing of zod. */

import { z } from 'zod'
import { isRegExp } from '../base/brands.js'

const rate = z.number().min(0)

/** The options that every optimizer has. */
export const optimizerShape = {
  lr: rate,
  weightDecay: rate,
  ema: z.number().min(0).lt(1).optional(),
  groups: z
    .array(
      z.strictObject({
        match: z.custom<RegExp>(isRegExp, { error: 'expected a RegExp' }),
        lr: rate.optional(),
        weightDecay: rate.optional(),
      }),
    )
    .default([]),
}

export const stepSchema = z.strictObject({
  lr: rate.optional(),
  maxGradNorm: z.number().positive().optional(),
  maxLoss: z.number().positive().optional(),
})

/** As the core takes it, which halves and doubles it within the same limits. */
export const lossScaleSchema = z.strictObject({
  value: z
    .number()
    .min(1)
    .max(2 ** 24),
  goodSteps: z.int().min(0),
})
