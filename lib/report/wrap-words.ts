/** Text for terminals: in lines that are no wider than the terminal. */
import { columnsOf, startOf, WIDE } from './columns.js'

/** What lines do not break at: a path with spaces, a command that is to be copied. `fitLines` makes spaces of it at last. */
export const whole = (text: string) => text.replaceAll(' ', '\u00a0')

/**
 * A text in lines, broken between words where they would be wider than `width` columns. A wider word, such as a path, has a line
 * of its own, but in scripts without spaces lines end anywhere.
 */
export function wrapWords(text: string, width: number): string[] {
  const lines: string[] = []
  for (const word of text.split(/[^\S\u00a0]+/)) {
    const last = lines.at(-1)
    if (last !== undefined && columnsOf(last) + 1 + columnsOf(word) <= width)
      lines[lines.length - 1] = `${last} ${word}`
    else lines.push(...piecesOf(word, width))
  }
  return lines
}

function piecesOf(word: string, width: number): string[] {
  const pieces: string[] = []
  let rest = word
  while (columnsOf(rest) > width && WIDE.test(rest)) {
    const piece = startOf(rest, Math.max(width, 2))
    pieces.push(piece)
    rest = rest.slice(piece.length)
  }
  return rest === '' && pieces.length > 0 ? pieces : [...pieces, rest]
}

/** The same behind a beginning, below which further lines begin, too. */
export function hangWords(start: string, text: string, width: number): string[] {
  const indent = ' '.repeat(columnsOf(start))
  return wrapWords(text, width - indent.length).map((line, i) => (i === 0 ? start : indent) + line)
}

/** Cells that stand below others are apart by two spaces. */
const CELLS = /\S {2,}\S/

/** A text of several lines, of which those that are sentences are broken where they are too wide. Tables stay as they are. */
export function fitLines(text: string, width: number): string {
  const fit = (line: string) => {
    if (columnsOf(line) <= width || CELLS.test(line)) return line
    const indent = /^ */.exec(line)![0]
    return hangWords(indent, line.slice(indent.length), width)
  }
  return text.split('\n').flatMap(fit).join('\n').replaceAll('\u00a0', ' ')
}
