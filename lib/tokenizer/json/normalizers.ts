/** What a tokenizer.json does to texts first (`normalizer`), each as Hugging Face's tokenizers does it. */
import { z } from 'zod'
import { characterKind } from '../bert-words.js'
import { SYMBOL_OF_BYTE } from '../byte-alphabet.js'
import { make, makeAll, type Place, type Row, settingsOf } from './component.js'
import { compile, patternSchema, type TokenizersJs } from './patterns.js'
import { CharacterMap } from './precompiled.js'

export type Normalizer = (text: string) => string

/** @throws ClipwrightError ERR_FORMAT */
export function makeNormalizer(value: unknown, where: string, library: TokenizersJs): Normalizer {
  if (value === null || value === undefined) return (text) => text
  return make(tableOf(library), value, { where, key: 'normalizer' })
}

const bert = z.looseObject({
  clean_text: z.boolean().default(true),
  handle_chinese_chars: z.boolean().default(true),
  strip_accents: z.boolean().nullish(),
  lowercase: z.boolean().default(true),
})
const strip = z.looseObject({ strip_left: z.boolean().default(true), strip_right: z.boolean().default(true) })
const replace = z.looseObject({ pattern: patternSchema, content: z.string() })

function tableOf(library: TokenizersJs): Readonly<Record<string, Row<Normalizer>>> {
  const table: Record<string, Row<Normalizer>> = {
    BertNormalizer: (settings, place) => bertNormalizer(settingsOf(bert, settings, place)),
    ByteLevel: () => (text) => Array.from(Buffer.from(text), (byte) => SYMBOL_OF_BYTE[byte]!).join(''),
    Lowercase: () => lowerCase,
    NFC: () => (text) => text.normalize('NFC'),
    NFD: () => (text) => text.normalize('NFD'),
    NFKC: () => (text) => text.normalize('NFKC'),
    NFKD: () => (text) => text.normalize('NFKD'),
    Nmt: () => nmt,
    Precompiled: precompiled,
    Prepend(settings, place) {
      const { prepend } = settingsOf(z.looseObject({ prepend: z.string() }), settings, place)
      return (text) => (text === '' ? text : prepend + text)
    },
    Replace(settings, place) {
      const { pattern, content } = settingsOf(replace, settings, place)
      const expression = compile(pattern, place, library)
      return (text) => text.replace(expression, () => content)
    },
    Sequence(settings, place) {
      const steps = makeAll(table, settings.normalizers, place)
      return (text) => steps.reduce((so, step) => step(so), text)
    },
    Strip(settings, place) {
      const { strip_left, strip_right } = settingsOf(strip, settings, place)
      return (text) => {
        const left = strip_left ? text.replace(/^\p{White_Space}+/u, '') : text
        return strip_right ? left.replace(/\p{White_Space}+$/u, '') : left
      }
    },
    StripAccents: () => (text) => text.replace(/\p{M}/gu, ''),
  }
  return table
}

/** A character at a time, so that a final sigma is not special. */
export function lowerCase(text: string): string {
  return text.includes('Σ')
    ? text
        .split('Σ')
        .map((part) => part.toLowerCase())
        .join('σ')
    : text.toLowerCase()
}

function bertNormalizer(o: z.output<typeof bert>): Normalizer {
  const stripAccents = o.strip_accents ?? o.lowercase
  return (text) => {
    let clean = ''
    for (const character of text) {
      const kind = characterKind(character)
      if (kind === 'dropped' && o.clean_text) continue
      if (kind === 'space' && o.clean_text) clean += ' '
      else clean += kind === 'ideograph' && o.handle_chinese_chars ? ` ${character} ` : character
    }
    if (stripAccents) clean = clean.normalize('NFD').replace(/\p{Mn}/gu, '')
    return o.lowercase ? lowerCase(clean) : clean
  }
}

/** Written for use inside a character class. */
const CONTROL_RANGES = '\\x01-\\x08\\x0b\\x0e-\\x1f\\x7f\\x8f\\x9f'
const CONTROLS = new RegExp(`[${CONTROL_RANGES}]`, 'g')
const SPACES = /[\t\n\f\r\u1680\u200b-\u200f\u2028\u2029\u2581\ufeff\ufffd]/g

/** SentencePiece's `nmt` rules without NFKC. */
const nmt: Normalizer = (text) => text.replace(CONTROLS, '').replace(SPACES, ' ')

function precompiled(settings: Record<string, unknown>, place: Place): Normalizer {
  const { precompiled_charsmap: map } = settingsOf(
    z.looseObject({ precompiled_charsmap: z.string().nullable() }),
    settings,
    place,
  )
  if (map === null) return (text) => text
  const characters = new CharacterMap(map, place)
  return (text) => characters.normalize(text)
}
