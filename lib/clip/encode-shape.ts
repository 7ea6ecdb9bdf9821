/** The checks of `EncodeOptions`, apart from the public type, which knows nothing of zod. */

import { z } from 'zod'
import { isAbortSignal } from '../base/brands.js'
import { TRUNCATIONS } from '../tokenizer/truncation.js'
import type { EncodeOptions } from './encode.js'

/** A function among options. */
export const callback = <F extends (...args: never[]) => unknown>() =>
  z.custom<F>((value) => typeof value === 'function', { error: 'expected a function' }).optional()

export const encodeShape = {
  normalize: z.boolean().default(true),
  batchSize: z.int().min(1).default(64),
  signal: z.custom<AbortSignal>(isAbortSignal, { error: 'expected an AbortSignal' }).optional(),
  onProgress: callback<NonNullable<EncodeOptions['onProgress']>>(),
}

/** Of those that encode texts. */
export const truncationSchema = z.enum(TRUNCATIONS).default('cut')
