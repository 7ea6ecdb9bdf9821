/** Kinds of values that open_clip's JSON has, and what it may say of a feature that this version has not. */
import { z } from 'zod'

export const count = z.int().positive()
export const size = z.union([count, z.tuple([count, count])], {
  error: 'expected a whole number above 0 or a pair of them',
})
export const flag = z.boolean()
/** Of a token. */
export const id = z.int().min(0)
/** A feature that open_clip has and this version has not: only the values that leave it off pass. */
export const off = z.literal([false, null]).optional()
export const none = z.literal(null).optional()
/** Means something only beside a key that is off. */
export const idle = z.unknown().optional()
