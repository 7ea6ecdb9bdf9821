// biome-ignore-all lint/suspicious/noControlCharactersInRegex: removing control characters is this file's work
/** ftfy's repairs of single characters. None needs to know the characters around it. */

/** Latin ligatures and digraphs that are there for typography or old encodings; not letters such as æ. */
const LIGATURES: Record<string, string> = {
  Ĳ: 'IJ',
  ĳ: 'ij',
  ŉ: '\u02bcn',
  Ǳ: 'DZ',
  ǲ: 'Dz',
  ǳ: 'dz',
  Ǆ: 'D\u017d',
  ǅ: 'D\u017e',
  ǆ: 'd\u017e',
  Ǉ: 'LJ',
  ǈ: 'Lj',
  ǉ: 'lj',
  Ǌ: 'NJ',
  ǋ: 'Nj',
  ǌ: 'nj',
  ﬀ: 'ff',
  ﬁ: 'fi',
  ﬂ: 'fl',
  ﬃ: 'ffi',
  ﬄ: 'ffl',
  ﬅ: '\u017ft',
  ﬆ: 'st',
}
const LIGATURE = new RegExp(`[${Object.keys(LIGATURES).join('')}]`, 'g')

export function breakLigatures(text: string): string {
  return text.replace(LIGATURE, (c) => LIGATURES[c]!)
}

/** Full-width Latin, half-width kana and hangul, and the ideographic space in their standard width. */
export function normaliseWidth(text: string): string {
  return text.replace(/[\u3000\uff01-\uffef]/g, (c) => (c === '\u3000' ? ' ' : c.normalize('NFKC')))
}

export function uncurlQuotes(text: string): string {
  return text.replace(/[\u201c-\u201f]/g, '"').replace(/[\u02bc\u2018-\u201b]/g, "'")
}

export function normaliseLineBreaks(text: string): string {
  return text.replace(/\r\n|[\r\u2028\u2029\x85]/g, '\n')
}

/** JavaScript joins surrogate pairs by itself; what is left of them becomes U+FFFD. */
export function replaceSurrogates(text: string): string {
  return text.replace(/\p{Surrogate}/gu, '\ufffd')
}

/** ANSI sequences that colour a terminal. Digits of any script count, as in Python. */
export function removeTerminalEscapes(text: string): string {
  return text.replace(/\x1b\[[\p{Nd};]*[a-zA-Z]/gu, '')
}

/**
 * Controls without a visible effect, deprecated Arabic ones, annotation marks and the byte order mark.
 * C1 stays: it is evidence of mojibake.
 */
export function removeControlCharacters(text: string): string {
  return text.replace(/[\0-\x08\x0b\x0e-\x1f\x7f\u206a-\u206f\ufeff\ufff9-\ufffc]/g, '')
}
