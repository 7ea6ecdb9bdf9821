/** How much text fits a width, where nothing can measure letters: they are taken as wide as DejaVu Sans has them, about. */

import { WIDE } from './columns.js'

/** Wide characters are as wide as they are high, others about half. */
const NARROW_WIDTH = 0.573

const widthOf = (character: string) => (WIDE.test(character) ? 1 : NARROW_WIDTH)

/** About how wide `text` is in letters of `size`, in pixels. */
export function textWidth(text: string, size: number): number {
  return size * Array.from(text, widthOf).reduce((a, b) => a + b, 0)
}

/** `text`, cut with an ellipsis where it would be wider than `width` pixels in letters of `size`. */
export function fitText(text: string, width: number, size: number): string {
  return textWidth(text, size) <= width ? text : `${start(text, width - NARROW_WIDTH * size, size)}…`
}

/**
 * `text` in lines of at most `width` pixels in letters of `size`, broken at spaces, beside wide characters and, where a
 * word is longer than a line, anywhere. What `most` lines do not hold is cut with an ellipsis.
 *
 * @returns at least one line
 */
export function wrapText(text: string, width: number, size: number, most: number): string[] {
  const lines: string[] = []
  let rest = text.trim()
  while (lines.length < most - 1 && textWidth(rest, size) > width) {
    const fitting = start(rest, width, size) || Array.from(rest)[0]!
    const line = fitting.slice(0, breakBefore(rest, fitting.length)) || fitting
    lines.push(line.trimEnd())
    rest = rest.slice(line.length).trimStart()
  }
  return rest === '' && lines.length > 0 ? lines : [...lines, fitText(rest, width, size)]
}

/** The last place at or before `end` where a line may end; 0 where there is none. */
function breakBefore(text: string, end: number): number {
  for (let at = end; at > 0; at--) {
    const [before, after] = [text[at - 1]!, text[at]!]
    if (/\s/.test(after) || /\s/.test(before)) return at
    // Punctuation stays with what it follows.
    if ((WIDE.test(before) || WIDE.test(after)) && !/[\p{P}\p{Cs}]/u.test(after)) return at
  }
  return 0
}

/** As many characters of `text` as fit. */
function start(text: string, width: number, size: number): string {
  let left = width
  let length = 0
  for (const character of text) {
    left -= widthOf(character) * size
    if (left < 0) break
    length += character.length
  }
  return text.slice(0, length)
}
