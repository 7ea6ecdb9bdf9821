/** Finds UTF-8 read in a wrong encoding inside text that as a whole is in no one encoding. */
import { CHARMAPS } from './charmaps.js'

/** Encodings whose upper half is laid out like Latin-1's. */
const LATIN_LIKE = CHARMAPS.filter(({ name }) => name === 'latin-1' || name.startsWith('windows-'))

/** Every character that one of these bytes may have become. */
function charactersOf(first: number, last: number): string[] {
  return LATIN_LIKE.flatMap(({ high }) => [...high.slice(first - 0x80, last - 0x80 + 1)])
}

const any = (characters: string[]) => `[${[...new Set(characters)].join('')}]`

const LEAD_OF_2 = any(charactersOf(0xc2, 0xdf))
const LEAD_OF_3 = any(charactersOf(0xe0, 0xef))
// Other leads of four bytes belong to unassigned planes.
const LEAD_OF_4 = any([...charactersOf(0xf0, 0xf0), ...charactersOf(0xf3, 0xf3)])
const CONTINUATIONS = charactersOf(0x80, 0xbf)
// A plain space may stand for byte A0.
const CONTINUATION = any([...CONTINUATIONS, ' '])
// Dashes, quotes, bullets and ellipses stand for themselves often enough next to real mojibake.
const ORDINARY = '\u2013\u2014\u2015\u2018\u2019\u201a\u201c\u201d\u201e\u2022\u2026'
const STRICT = any(CONTINUATIONS.filter((c) => !ORDINARY.includes(c)))

const EMBEDDED = new RegExp(
  `(?<!${STRICT})(?:${LEAD_OF_2}${CONTINUATION}|${LEAD_OF_3}${CONTINUATION}{2}|${LEAD_OF_4}${CONTINUATION}{3})+`,
  'g',
)

/** Replaces each stretch that looks like misread UTF-8 by what `repair` makes of it. */
export function replaceEmbeddedUtf8(text: string, repair: (stretch: string) => string): string {
  return text.replace(EMBEDDED, repair)
}
