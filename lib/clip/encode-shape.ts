/** The checks of `EncodeOptions`, apart from the public type, which knows nothing of zod. */
import { z } from 'zod'
import type { EncodeOptions } from './encode.js'

/** A function among options. */
export const callback = <F extends (...args: never[]) => unknown>() =>
  z.custom<F>((value) => typeof value === 'function', { error: 'expected a function' }).optional()

export const encodeShape = {
  normalize: z.boolean().default(true),
  batchSize: z.int().min(1).default(64),
  signal: z.instanceof(AbortSignal, { error: 'expected an AbortSignal' }).optional(),
  onProgress: callback<NonNullable<EncodeOptions['onProgress']>>(),
}
