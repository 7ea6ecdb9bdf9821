/** How an option of training is declared; without a rule for resumed runs it does not compile. */
import { option as anyOption, type CheckedKind } from '../../base/kinds.js'
import type { Told } from '../../base/option.js'
import type { Option, ResumeRule } from './option.js'

export function option<T, const D extends T | undefined = undefined>(
  kind: CheckedKind<T>,
  told: Told<D> & { readonly resume: ResumeRule },
): Option<T, D> {
  return { ...anyOption(kind, told), resume: told.resume }
}
