/** Tables in plain text. */

/** Rows of cells under headings, in columns as wide as they need be, each on one line; numbers stand to the right. */
export function table(headings: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  const cells = [headings, ...rows].map((row) => row.map((cell) => String(cell).replace(/\p{Cc}+/gu, ' ')))
  const widths = headings.map((_, c) => Math.max(...cells.map((row) => (row[c] ?? '').length)))
  const right = headings.map((_, c) => rows.length > 0 && rows.every((row) => /^[\d.]+$/.test(String(row[c]))))
  const line = (row: string[]) =>
    row
      .map((cell, c) => (right[c] ? cell.padStart(widths[c]!) : cell.padEnd(widths[c]!)))
      .join('  ')
      .trimEnd()
  return cells.map(line).join('\n')
}
