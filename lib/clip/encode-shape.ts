/** The checks of `EncodeOptions`, apart from the public type, which knows nothing of zod. */
import { z } from 'zod'

export const encodeShape = {
  normalize: z.boolean().default(true),
  batchSize: z.int().min(1).default(64),
  signal: z.instanceof(AbortSignal, { error: 'expected an AbortSignal' }).optional(),
}
