/** What becomes of texts that are longer than a model's context. */
import { ClipwrightError, type ErrorCode } from '../base/errors.js'
import { shorten } from '../base/shorten.js'
import type { PackedTexts, Tokenizer } from './tokenizer.js'

/** Texts that are longer than a model's context lose their end, or are an error. */
export type Truncation = 'cut' | 'error'
export const TRUNCATIONS = ['cut', 'error'] as const satisfies readonly Truncation[]

/**
 * `Tokenizer.encodePacked`, or an error.
 * @param where whose call it is, and `code` its error's
 * @throws ClipwrightError `code` naming the first text that is too long, with 'error'
 */
export function encodeWithin(
  tokenizer: Tokenizer,
  texts: readonly string[],
  { contextLength, truncation }: { contextLength: number; truncation: Truncation },
  { where, code }: { where: string; code: ErrorCode },
): PackedTexts {
  const packed = tokenizer.encodePacked(texts, { contextLength })
  if (truncation === 'cut' || packed.truncated === 0) return packed
  const { start, end } = tokenizer.framing
  const lengths = texts.map((text) => tokenizer.encode(text).length + start.length + end.length)
  const at = lengths.findIndex((length) => length > contextLength)
  throw new ClipwrightError(
    code,
    `${where}: ${JSON.stringify(shorten(texts[at]!))} has ${lengths[at]} tokens, start and end included, and the model takes ${contextLength}; shorten it, or let texts be cut (truncation 'cut').`,
  )
}
