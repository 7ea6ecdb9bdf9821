/** How many columns of a terminal text takes. */

/** Chinese, Japanese and Korean characters and their punctuation, and emoji, are two columns wide. */
export const WIDE =
  /[\u1100-\u11ff\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\ufe30-\ufe4f\uff00-\uff60\u{1f300}-\u{1faff}\u{20000}-\u{3ffff}]/u
/** Marks on the character before, joiners and variation selectors. */
const NONE = /[\p{M}\u200b-\u200f\u2060-\u2064]/u
const PLAIN = /^[\x20-\x7e]*$/

export function columnsOf(text: string): number {
  if (PLAIN.test(text)) return text.length
  let columns = 0
  for (const character of text) columns += NONE.test(character) ? 0 : WIDE.test(character) ? 2 : 1
  return columns
}

/** The text, cut with an ellipsis where it would be wider. */
export function cutTo(columns: number, text: string): string {
  return columnsOf(text) <= columns ? text : `${startOf(text, columns - 1)}…`
}

/** As much of the text as fits. */
export function startOf(text: string, columns: number): string {
  let [left, length] = [columns, 0]
  for (const character of text) {
    left -= columnsOf(character)
    if (left < 0) break
    length += character.length
  }
  return text.slice(0, length)
}
