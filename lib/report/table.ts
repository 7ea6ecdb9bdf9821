/** Tables in plain text. */
import { columnsOf } from './columns.js'
import { wrapWords } from './wrap-words.js'

/** Cells of the last column are not broken into narrower ones. */
const LEAST = 20

/**
 * Rows of cells under headings, in columns as wide as they need be, each on one line; numbers stand to the right.
 * @param width the table's, in columns of a terminal. Where it would be wider, texts of the last column are broken between words, and
 *   then longer cells of the first, and words that are longer than the last, have a line of their own.
 */
export function table(
  headings: readonly string[],
  rows: readonly (readonly (string | number)[])[],
  width = Number.POSITIVE_INFINITY,
): string {
  const cells = [headings, ...rows].map((row) => row.map((cell) => String(cell).replace(/\p{Cc}+/gu, ' ')))
  const needed = headings.map((_, c) => Math.max(...cells.map((row) => columnsOf(row[c] ?? ''))))
  const right = headings.map((_, c) => rows.length > 0 && rows.every((row) => /^[\d.]+$/.test(String(row[c]))))
  const widths = fitting(needed, headings, right, width)
  const line = (row: readonly string[]) =>
    row
      .map((cell, c) => {
        const space = ' '.repeat(Math.max(widths[c]! - columnsOf(cell), 0))
        return right[c] ? space + cell : cell + space
      })
      .join('  ')
      .trimEnd()
  const linesOf = (row: readonly string[]) => {
    const [first = '', ...others] = row
    if (columnsOf(first) > widths[0]! && others.length > 0) return [first, line(['', ...others])]
    const last = row.length === headings.length ? wrapWords(row.at(-1)!, widths.at(-1)!) : [row.at(-1)!]
    const before = row.slice(0, -1)
    return last.flatMap((part, i) => {
      const start = i === 0 ? before : before.map(() => '')
      // A path that is too long even so.
      if (columnsOf(part) > widths.at(-1)!) return [...(i === 0 ? [line(start)] : []), `  ${part}`]
      return line([...start, part])
    })
  }
  return cells.flatMap(width === Number.POSITIVE_INFINITY ? line : linesOf).join('\n')
}

/** The columns' widths; only texts give way. */
function fitting(needed: readonly number[], headings: readonly string[], right: readonly boolean[], width: number) {
  const widths = [...needed]
  const giveWay = (c: number, least: number) => {
    const over = widths.reduce((a, b) => a + b, 0) + 2 * (widths.length - 1) - width
    if (over > 0 && !right[c])
      widths[c] = Math.min(widths[c]!, Math.max(widths[c]! - over, columnsOf(headings[c]!), least))
  }
  giveWay(widths.length - 1, LEAST)
  giveWay(0, 0)
  return widths
}
