/** What may be said about the augmentation. */
import type { z } from 'zod'
import type { Zod } from '../base/kinds.js'
import { AUGMENT_POLICIES, type Augment } from './augment-options.js'

export function augmentSchema(zod: Zod): z.ZodType<Augment> {
  const range = zod.tuple([zod.number().positive(), zod.number().positive()]).refine(([low, high]) => low <= high, {
    error: 'expected [smallest, largest]',
  })
  const changes = zod
    .strictObject({
      policy: zod.enum(AUGMENT_POLICIES).optional(),
      scale: range.refine(([, high]) => high <= 1, { error: 'expected shares of the area, at most 1' }).optional(),
      ratio: range.optional(),
      flip: zod.number().min(0).max(1).optional(),
    })
    .refine(({ policy, scale, ratio }) => policy !== 'jitter-paste' || (scale ?? ratio) === undefined, {
      error: 'expected no "scale" and no "ratio" with the policy "jitter-paste", which does not crop',
    })
  return zod.union([zod.boolean(), zod.enum(AUGMENT_POLICIES), changes], {
    error: `expected true, false, one of ${AUGMENT_POLICIES.join(', ')}, or { policy, scale, ratio, flip }`,
  })
}
