/**
 * Repairs what goes wrong with text between keyboards and data sets: HTML entities, mojibake, ligatures, full-width
 * letters, curly quotes, line breaks, broken surrogates, control characters. CLIP's tokenizer runs it on every caption.
 */

import { fixC1Controls } from './c1-controls.js'
import {
  breakLigatures,
  normaliseLineBreaks,
  normaliseWidth,
  removeControlCharacters,
  removeTerminalEscapes,
  replaceSurrogates,
  uncurlQuotes,
} from './characters.js'
import { unescapeEntities } from './entities.js'
import { fixEncoding } from './fix-encoding.js'

/** Text that no step changes: printable ASCII, tabs and line feeds, without `&`. Most captions end here. */
const PLAIN = /^[\t\n\x20-\x25\x27-\x7e]*$/

/** A longer line is repaired in pieces of this many code points, which bounds the work on any one of them. */
const LONGEST_SEGMENT = 1_000_000

const STEPS = [
  fixEncoding,
  fixC1Controls,
  breakLigatures,
  normaliseWidth,
  uncurlQuotes,
  normaliseLineBreaks,
  replaceSurrogates,
  removeTerminalEscapes,
  removeControlCharacters,
  (text: string) => text.normalize('NFC'),
]

/**
 * The text as `ftfy.fix_text` of ftfy 6.3 returns it with its default settings, line by line. A literal `<` says that
 * the text is HTML, so entities stay as they are from that line on.
 */
export function fixText(text: string): string {
  if (PLAIN.test(text)) return text
  let fixed = ''
  let isHtml = false
  for (const segment of segments(text)) {
    isHtml ||= segment.includes('<')
    fixed += fixSegment(segment, isHtml)
  }
  return fixed
}

/** Repairs uncover each other, so the steps run until none changes anything. */
function fixSegment(text: string, isHtml: boolean): string {
  for (;;) {
    let fixed = isHtml ? text : unescapeEntities(text)
    for (const step of STEPS) fixed = step(fixed)
    if (fixed === text) return fixed
    text = fixed
  }
}

function* segments(text: string): Generator<string> {
  let start = 0
  while (start < text.length) {
    const newline = text.indexOf('\n', start)
    let end = newline < 0 ? text.length : newline + 1
    if (end - start > LONGEST_SEGMENT) end = Math.min(end, codePointOffset(text, start, LONGEST_SEGMENT))
    yield text.slice(start, end)
    start = end
  }
}

/** Index in `text` of the code point `count` code points after `start`. */
function codePointOffset(text: string, start: number, count: number): number {
  let at = start
  for (let i = 0; i < count && at < text.length; i++) at += text.codePointAt(at)! > 0xffff ? 2 : 1
  return at
}
