/** How a tokenizer.json parts normalised texts (`pre_tokenizer`), each as Hugging Face's tokenizers does it. */
import { z } from 'zod'
import { SYMBOL_OF_BYTE } from '../byte-alphabet.js'
import { make, makeAll, type Row, settingsOf } from './component.js'
import { compile, literal, patternSchema, type TokenizersJs } from './patterns.js'
import { BEHAVIORS, type Behavior, type Piece, splitPiece } from './piece.js'

export type PreTokenizer = (piece: Piece) => Piece[]

/** @throws ClipwrightError ERR_FORMAT */
export function makePreTokenizer(value: unknown, where: string, library: TokenizersJs): PreTokenizer {
  if (value === null || value === undefined) return (piece) => [piece]
  return make(tableOf(library), value, { where, key: 'pre_tokenizer' })
}

const SPACE = /\p{White_Space}/gu
const PUNCTUATION = /[!-/:-@[-`{-~\p{P}]/gu
/** `\w` of Rust's regular expressions. */
const WORD = String.raw`\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\p{Join_Control}`
const WORDS = new RegExp(String.raw`[${WORD}]+|[^${WORD}\p{White_Space}]+`, 'gu')
/** GPT-2's, whose white space is Unicode's. */
const BYTE_LEVEL =
  /'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\p{White_Space}\p{L}\p{N}]+|\p{White_Space}+(?!\P{White_Space})|\p{White_Space}+/gu

// Rust writes them as `MergedWithNext`, Python says `merged_with_next`; files hold the first.
const behavior = z.enum(BEHAVIORS)
const one = z.string().refine((text) => [...text].length === 1, 'expected one character')
const metaspace = z.looseObject({
  replacement: one.default('\u2581'),
  prepend_scheme: z.enum(['always', 'first', 'never']).optional(),
  add_prefix_space: z.boolean().default(true),
  split: z.boolean().default(true),
})
const byteLevel = z.looseObject({ add_prefix_space: z.boolean().default(true), use_regex: z.boolean().default(true) })
const split = z.looseObject({ pattern: patternSchema, behavior, invert: z.boolean().default(false) })

function tableOf(library: TokenizersJs): Readonly<Record<string, Row<PreTokenizer>>> {
  const table: Record<string, Row<PreTokenizer>> = {
    BertPreTokenizer: () => inTurn([splitting(SPACE, 'Removed'), splitting(PUNCTUATION, 'Isolated')]),
    ByteLevel: (settings, place) => byteLevelPieces(settingsOf(byteLevel, settings, place)),
    CharDelimiterSplit(settings, place) {
      const { delimiter } = settingsOf(z.looseObject({ delimiter: one }), settings, place)
      return splitting(literal(delimiter), 'Removed')
    },
    Digits(settings, place) {
      const o = settingsOf(z.looseObject({ individual_digits: z.boolean().default(false) }), settings, place)
      return splitting(/\p{N}/gu, o.individual_digits ? 'Isolated' : 'Contiguous')
    },
    FixedLength(settings, place) {
      const { length } = settingsOf(z.looseObject({ length: z.int().positive() }), settings, place)
      return splitting(new RegExp(`[^]{1,${length}}`, 'gu'), 'Isolated')
    },
    Metaspace: (settings, place) => metaspacePieces(settingsOf(metaspace, settings, place)),
    Punctuation(settings, place) {
      const o = settingsOf(z.looseObject({ behavior: behavior.default('Isolated') }), settings, place)
      return splitting(PUNCTUATION, o.behavior)
    },
    Sequence: (settings, place) => inTurn(makeAll(table, settings.pretokenizers, place)),
    Split(settings, place) {
      const o = settingsOf(split, settings, place)
      return splitting(compile(o.pattern, place, library), o.behavior, o.invert)
    },
    Whitespace: () => splitting(WORDS, 'Removed', true),
    WhitespaceSplit: () => splitting(SPACE, 'Removed'),
  }
  return table
}

const splitting = (pattern: RegExp, behavior: Behavior, invert = false): PreTokenizer => {
  return (piece) => splitPiece(piece, pattern, behavior, invert)
}

function inTurn(steps: readonly PreTokenizer[]): PreTokenizer {
  return (piece) => steps.reduce((pieces, step) => pieces.flatMap(step), [piece])
}

function metaspacePieces(o: z.output<typeof metaspace>): PreTokenizer {
  // Files from before there were schemes said whether, not when.
  const scheme = o.prepend_scheme ?? (o.add_prefix_space ? 'always' : 'never')
  const mark = literal(o.replacement)
  return ({ text, first }) => {
    const marked = text.replaceAll(' ', o.replacement)
    const begins = scheme !== 'never' && (scheme === 'always' || first) && !marked.startsWith(o.replacement)
    const piece = { text: begins ? o.replacement + marked : marked, first }
    return o.split ? splitPiece(piece, mark, 'MergedWithNext') : [piece]
  }
}

/** The bytes of its UTF-8, each as its printable stand-in. */
function byteLevelPieces(o: z.output<typeof byteLevel>): PreTokenizer {
  return ({ text, first }) => {
    const piece = { text: o.add_prefix_space && !text.startsWith(' ') ? ` ${text}` : text, first }
    const pieces = o.use_regex ? splitPiece(piece, BYTE_LEVEL, 'Isolated') : [piece]
    return pieces.map((part) => ({ ...part, text: toSymbols(part.text) }))
  }
}

function toSymbols(text: string): string {
  let symbols = ''
  for (const byte of Buffer.from(text)) symbols += SYMBOL_OF_BYTE[byte]
  return symbols
}
