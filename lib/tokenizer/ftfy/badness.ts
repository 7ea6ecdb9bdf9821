/**
 * Tells text that was decoded in the wrong encoding (mojibake) from text that only looks foreign: certain characters
 * next to each other hardly ever mean themselves. Character classes and rules are those of ftfy 6.3's `badness.py`
 * (Robyn Speer, Apache-2.0), so that both libraries agree on every string.
 */
import { PYTHON_SPACE } from '../whitespace.js'

/** In ordinary use too; says something only in a longer context. */
const COMMON = '\xa0\xad·´–—―…’'
const C1 = '\x80-\x9f'
/** Nearly always mojibake. */
const BAD = '¦¤¨¬¯¸ƒˆˇ˘˛˜†‡‰⌐◊\ufffdªº'
const LAW = '¶§'
const CURRENCY = '¢£¥₧€'
const START = '¡«¿©΄΅‘‚“„•‹\uf8ff'
const END = '®»˝”›™'
const NUMERIC = '²³¹±¼½¾×µ÷⁄∂∆∏∑√∞∩∫≈≠≡≤≥№'
/** Letters that also draw faces, and so may stand in odd places. */
const KAOMOJI = 'Ò-ÖÙ-Üò-öø-üŐŌŪŲ°'
const UPPER = 'À-ÑØÜÝĂĀĄĆČĎĐĘĚĒĖĞĢİĪĶĹĽŁĻŃŇŅŒŘŚŞŠŢŤŮŰŸŹŻŽҐ'
const LOWER = 'ßà-ñăąāćčďđęěēėğģįīķĺľłļœŕśşšťüźżžґﬁﬂ'
/** Capitals that often end words, where accented Latin ones would be suspicious. */
const UPPER_COMMON = 'ÞΑ-ΩΆΈΉΊΌΎΏΪΫЁ-Я'
const LOWER_COMMON = 'α-ωάέήίΰа-џ'
const BOX = '│┌┐┘├┤┬┼═-╬▀▄█▌▐░▒▓'

/** One class out of several sets of characters. */
const any = (...sets: string[]) => `[${sets.join('')}]`

const RULES = [
  any(C1),

  // Two or three categories that do not meet in real text.
  any(BAD, LOWER, UPPER, BOX, START, END, CURRENCY, NUMERIC, LAW) + any(BAD),
  `[a-zA-Z]${any(LOWER_COMMON, UPPER_COMMON)}${any(BAD)}`,
  any(BAD) + any(LOWER, UPPER, BOX, START, END, CURRENCY, NUMERIC, LAW),
  any(LOWER, LOWER_COMMON, BOX, END, CURRENCY, NUMERIC) + any(UPPER),
  any(BOX, END, CURRENCY, NUMERIC) + any(LOWER),
  any(LOWER, BOX, END) + any(CURRENCY),
  any(PYTHON_SPACE) + any(UPPER) + any(CURRENCY),
  any(UPPER, BOX) + any(NUMERIC, LAW),
  any(LOWER, UPPER, BOX, CURRENCY, END) + any(START) + any(NUMERIC),
  any(LOWER, UPPER, CURRENCY, NUMERIC, BOX, LAW) + any(END) + any(START),
  any(CURRENCY, NUMERIC, BOX) + any(START),
  `[a-z]${any(UPPER)}${any(START, CURRENCY)}`,
  any(BOX) + any(KAOMOJI),
  any(LOWER, UPPER, CURRENCY, NUMERIC, START, END, LAW) + any(BOX),
  any(BOX) + any(END),
  `${any(LOWER, UPPER)}${any(START, END)}[\\p{L}\\p{N}_]`,
  '[Œœ][^A-Za-z]',
  `${any(UPPER)}°`,

  // UTF-8 read as Windows-1252: Latin, Greek and Cyrillic, Arabic, South Asian scripts.
  any('ÂÃÎÐ') + any('€œŠš¢£Ÿž\xa0\xad®©°·»', START, END, '–—´'),
  '×[²³]',
  `(?:[ØÙ]${any(COMMON, CURRENCY, BAD, NUMERIC, START, 'ŸŠ®°µ»')}){2}`,
  'à[²µ¹¼½¾]',

  // … as MacRoman.
  '√[±∂†≠®™´≤≥¥µø]',
  '≈[°¢]',
  '‚Ä[ìîïòôúùû†°¢π]',
  '‚[âó][àä°ê]',

  // … as Windows-1251. Pairs of these letters are real words' parts, so most rules ask for more than two.
  'вЂ',
  `[ВГРС]${any(C1, BAD, START, END, CURRENCY, '°µ')}[ВГРС]`,
  'ГўВЂВ.[A-Za-z ]',

  // "à" and "á" alone, and no-break spaces that became plain ones.
  'Ã[\xa0¡]',
  `[a-z]${any(PYTHON_SPACE)}?[ÃÂ] `,
  '^[ÃÂ] ',
  `[a-z.,?!${END}]Â[ ${START}${END}]`,

  // … as Windows-1253 and Windows-1257.
  'β€[™\xa0Ά\xad®°]',
  `[ΒΓΞΟ]${any(C1, BAD, START, END, CURRENCY, '°')}[ΒΓΞΟ]`,
  'ā€',
]

const BADNESS = new RegExp(RULES.join('|'), 'u')

/** Whether some of the text is very probably mojibake. */
export function isBad(text: string): boolean {
  return BADNESS.test(text)
}
