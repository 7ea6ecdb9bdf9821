/** Tokens that stand for themselves in a text, whatever the model (`added_vocabulary.rs` of Hugging Face's tokenizers). */
import { z } from 'zod'
import { notAsExpected } from '../../files/json.js'
import { idFrom } from './model.js'
import { escaped } from './patterns.js'

const schema = z.array(
  z.looseObject({
    id: z.int(),
    content: z.string(),
    single_word: z.boolean().default(false),
    lstrip: z.boolean().default(false),
    rstrip: z.boolean().default(false),
    special: z.boolean().default(false),
    normalized: z.boolean().optional(),
  }),
)

export type AddedToken = Required<z.output<typeof schema>[number]>

/** @throws ClipwrightError ERR_FORMAT */
export function readAddedTokens(value: unknown, where: string): AddedToken[] {
  const parsed = z.object({ added_tokens: schema.nullish() }).safeParse({ added_tokens: value })
  if (!parsed.success) throw notAsExpected(where, parsed.error)
  return (parsed.data.added_tokens ?? []).map((token) => {
    idFrom(token.id, token.content, { where, key: 'added_tokens' })
    return { ...token, normalized: token.normalized ?? !token.special }
  })
}

/** Part of a text: one of the tokens, or what lies between them. */
export type Section = { text: string; id?: number; start: number }

const WORD = String.raw`[\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\p{Join_Control}]`
const WORD_AT_END = new RegExp(`${WORD}$`, 'u')
const WORD_AT_START = new RegExp(`^${WORD}`, 'u')
const SPACES_AT_END = /\p{White_Space}*$/u
const SPACES_AT_START = /^\p{White_Space}*/u

export class AddedTokens {
  readonly #tokens: ReadonlyMap<string, AddedToken>
  readonly #pattern: RegExp | undefined

  /** @param tokens by what is looked for */
  constructor(tokens: ReadonlyMap<string, AddedToken>) {
    this.#tokens = new Map([...tokens].filter(([content]) => content !== ''))
    // The leftmost, and of those that begin there the longest.
    const contents = [...this.#tokens.keys()].sort((a, b) => b.length - a.length)
    if (contents.length > 0) this.#pattern = new RegExp(contents.map(escaped).join('|'), 'gu')
  }

  /** Nothing of a text that is empty. */
  split(text: string): Section[] {
    const sections: Section[] = []
    let done = 0
    for (const { 0: match, index } of this.#pattern ? text.matchAll(this.#pattern) : []) {
      const token = this.#tokens.get(match)!
      let [start, end] = [index, index + match.length]
      if (token.single_word && (WORD_AT_END.test(text.slice(0, start)) || WORD_AT_START.test(text.slice(end)))) continue
      // Those that the one before has taken already are not taken again.
      if (token.lstrip) start = Math.max(SPACES_AT_END.exec(text.slice(0, start))!.index, done)
      if (token.rstrip) end += SPACES_AT_START.exec(text.slice(end))![0].length
      if (start > done) sections.push({ text: text.slice(done, start), start: done })
      sections.push({ text: match, id: token.id, start })
      done = end
    }
    if (done < text.length) sections.push({ text: text.slice(done), start: done })
    return sections
  }
}
