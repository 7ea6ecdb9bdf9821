/** An option of training is as any other, and says what a resumed run may do with it. */
import type { Option as AnyOption } from '../../base/option.js'

/**
 * What a resumed run may do with another value.
 *
 * - `fixed`: refuse it. It makes the batches and the weights what they are: another value would be another run.
 * - `inexact`: take it, and say that the bits differ from here on. It leaves a run that makes sense.
 * - `free`: take it. No weight depends on it.
 */
export type ResumeRule = 'fixed' | 'inexact' | 'free'

export type Option<T, D = unknown> = AnyOption<T, D> & { readonly resume: ResumeRule }
