/**
 * Patterns of a tokenizer.json. Regular expressions are those of Oniguruma, as Hugging Face's tokenizers reads them; its own
 * tokenizers.js turns them into JavaScript's.
 */
import { z } from 'zod'
import { damaged, type Place } from './component.js'

/** What of the package is used. Its types leave it out. */
export type TokenizersJs = { SplitPreTokenizer: new (settings: object) => { pattern: unknown } }

/** The package, which is loaded with the first tokenizer. */
export async function loadTokenizersJs(): Promise<TokenizersJs> {
  return (await import('@huggingface/tokenizers')) as unknown as TokenizersJs
}

export const patternSchema = z.union([z.strictObject({ Regex: z.string() }), z.strictObject({ String: z.string() })], {
  error: 'expected { Regex } or { String }',
})
export type Pattern = z.output<typeof patternSchema>

/** @throws ClipwrightError ERR_FORMAT naming an expression that is none, or has no counterpart in JavaScript */
export function compile(pattern: Pattern, place: Place, { SplitPreTokenizer }: TokenizersJs): RegExp {
  if ('String' in pattern) return literal(pattern.String)
  try {
    const { pattern: found } = new SplitPreTokenizer({ type: 'Split', pattern, invert: false, behavior: 'Isolated' })
    if (found instanceof RegExp) return found
  } catch (error) {
    throw damaged(place, `the regular expression ${JSON.stringify(pattern.Regex)} is not known (${reasonOf(error)})`)
  }
  throw damaged(place, `the regular expression ${JSON.stringify(pattern.Regex)} is not known`)
}

const reasonOf = (error: unknown) =>
  String((error as Error).message)
    .replace(/[\s\p{Cc}]+/gu, ' ')
    .replace(/\.$/, '')

/** Exactly this text; an empty one is nowhere. */
export function literal(text: string): RegExp {
  return text === '' ? /(?!)/gu : new RegExp(escaped(text), 'gu')
}

export const escaped = (text: string) => text.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&')
