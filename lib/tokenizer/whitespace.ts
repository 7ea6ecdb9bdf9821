/** White space as Python's `str.split`, `str.strip` and `re`'s `\s` see it; JavaScript's `\s` lacks five of them and has U+FEFF besides. */

/** The characters, written for use inside a character class. */
export const PYTHON_SPACE = '\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000'

const RUN = new RegExp(`[${PYTHON_SPACE}]+`, 'gu')

/** Runs of white space become one space; none is left at either end. open_clip's `whitespace_clean`. */
export function collapseWhitespace(text: string): string {
  return text.replace(RUN, ' ').replace(/^ | $/g, '')
}
