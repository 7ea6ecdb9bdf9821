// Tables in Markdown.

/** The first column left-aligned, the others right-aligned. */
export function table(heading, rows) {
  const cells = [heading, ...rows].map((row) => row.map((cell) => String(cell).replaceAll('|', '\\|')))
  const widths = heading.map((_, i) => Math.max(...cells.map((row) => row[i].length)))
  const line = (row) =>
    `| ${row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]) : cell.padStart(widths[i]))).join(' | ')} |`
  const rule = widths.map((width, i) => (i === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`))
  return [cells[0], rule, ...cells.slice(1)].map(line).join('\n')
}

/** Three digits that tell, and no fewer than are before the point. */
export function digits(x) {
  if (x >= 100) return x.toFixed(0)
  return x.toFixed(Math.max(0, 2 - Math.floor(Math.log10(Math.max(Math.abs(x), 1e-3)))))
}

/** `page` with `content` between the lines `begin` and `end`; `where` is what the page is called. Throws when they are not there. */
export function between(page, begin, end, content, where) {
  const [from, to] = [page.indexOf(begin), page.indexOf(end)]
  if (from < 0 || to < from) throw new Error(`${where} lacks the lines ${begin} and ${end}.`)
  return `${page.slice(0, from + begin.length)}\n\n${content}\n\n${page.slice(to)}`
}
