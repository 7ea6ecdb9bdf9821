/**
 * BERT's basic tokenization: text to words, as transformers' BertTokenizer has it (`BertNormalizer` and
 * `BertPreTokenizer` of Hugging Face's tokenizers). Which characters are what follows the Unicode version of the running
 * Node.js; tokenizers knows Unicode 8, which differs in a few hundred later characters, none of them in a vocabulary.
 */

const DROPPED = /^[\0\ufffd\p{Cc}\p{Cf}\p{Co}\p{Cs}]$/u
const SPACE = /^\p{White_Space}$/u
const PUNCTUATION = /^[!-/:-@[-`{-~\p{P}]$/u
const NONSPACING_MARKS = /\p{Mn}+/gu

/** Blocks of ideographs, each of which is a word; the fifth begins where tokenizers has it, not at U+2B820. */
const IDEOGRAPH =
  /^[\u4e00-\u9fff\u3400-\u4dbf\u{20000}-\u{2a6df}\u{2a700}-\u{2b73f}\u{2b740}-\u{2b81f}\u{2b920}-\u{2ceaf}\uf900-\ufaff\u{2f800}-\u{2fa1f}]$/u

/** What a character does to the word it stands in: part of it, a word of its own, a gap, or nothing. */
export type CharacterKind = 'letter' | 'ideograph' | 'punctuation' | 'space' | 'dropped'

/** @param character one code point */
export function characterKind(character: string): CharacterKind {
  if (character === '\t' || character === '\n' || character === '\r') return 'space'
  if (DROPPED.test(character)) return 'dropped'
  if (SPACE.test(character)) return 'space'
  if (IDEOGRAPH.test(character)) return 'ideograph'
  return PUNCTUATION.test(character) ? 'punctuation' : 'letter'
}

/**
 * Words of a text, in order. With `lowerCase` accents are stripped, too: decomposed (NFD), then without nonspacing marks.
 * Lower case is taken a character at a time, so a final sigma is not special.
 */
export function bertWords(text: string, lowerCase: boolean): string[] {
  let clean = ''
  for (const character of text) {
    const kind = characterKind(character)
    if (kind === 'space') clean += ' '
    else if (kind === 'ideograph') clean += ` ${character} `
    else if (kind !== 'dropped') clean += character
  }
  if (lowerCase) clean = clean.normalize('NFD').replace(NONSPACING_MARKS, '')
  const words: string[] = []
  let word = ''
  const end = () => {
    if (word) words.push(word)
    word = ''
  }
  // Only now: decomposing ≠ makes punctuation of what was none.
  for (const character of clean) {
    const kind = characterKind(character)
    if (kind === 'space') end()
    else if (kind === 'punctuation') {
      end()
      words.push(character)
    } else word += lowerCase ? character.toLowerCase() : character
  }
  end()
  return words
}
