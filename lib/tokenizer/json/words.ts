/** Models whose parts are words: WordPiece, and whole words alone. */
import { z } from 'zod'
import { WordCache } from '../word-cache.js'
import { longestPieces } from '../wordpiece.js'
import { type Place, settingsOf } from './component.js'
import { idsOfVocabulary, type Model, unspeakable } from './model.js'

const wordPiece = z.looseObject({
  unk_token: z.string(),
  continuing_subword_prefix: z.string().default('##'),
  max_input_chars_per_word: z.int().min(0).default(100),
})

/** @throws ClipwrightError ERR_FORMAT */
export function makeWordPiece(value: unknown, place: Place): Model {
  const { vocab, ...rest } = Object(value) as { vocab?: unknown }
  const o = settingsOf(wordPiece, rest, place)
  const ids = idsOfVocabulary(vocab, place)
  const words = new WordCache()
  const unknown = ids.get(o.unk_token)
  const longest = [...ids.keys()].reduce((most, { length }) => Math.max(most, length), 0)
  const spell = (word: string) => {
    const tooLong = word.length > o.max_input_chars_per_word && [...word].length > o.max_input_chars_per_word
    const pieces = tooLong ? undefined : longestPieces(word, ids, longest, o.continuing_subword_prefix)
    if (pieces) return pieces
    if (unknown === undefined) throw unspeakable(word)
    return [unknown]
  }
  return {
    tokens: ids,
    idOf: (token) => ids.get(token),
    encode(word) {
      const known = words.get(word)
      if (known) return known
      const found = spell(word)
      words.set(word, found)
      return found
    },
  }
}

/** @throws ClipwrightError ERR_FORMAT */
export function makeWordLevel(value: unknown, place: Place): Model {
  const { vocab, ...rest } = Object(value) as { vocab?: unknown }
  const { unk_token } = settingsOf(z.looseObject({ unk_token: z.string() }), rest, place)
  const ids = idsOfVocabulary(vocab, place)
  return {
    tokens: ids,
    idOf: (token) => ids.get(token),
    encode(word) {
      const id = ids.get(word) ?? ids.get(unk_token)
      if (id === undefined) throw unspeakable(word)
      return [id]
    },
  }
}
