// The table of what was kept and what was gained, in docs/guides/fine-tuning.md.
import { readFileSync, writeFileSync } from 'node:fs'
import { between, table } from '../report/markdown.mjs'

export const page = new URL('../../docs/guides/fine-tuning.md', import.meta.url)
const BEGIN = '<!-- begin: node bench/forgetting.mjs -->'
const END = '<!-- end: node bench/forgetting.mjs -->'

const percent = (x) => x.toFixed(1)
const signed = (x) => (x < 0 ? `−${percent(-x)}` : `+${percent(x)}`)

/** @param rows in their order, the first being the model before */
export function report(rows, { halves, machine, precision, day }) {
  const [{ recall: before }] = rows
  const { a, b } = halves
  return [
    table(
      ['how B was learnt', 'flags', 'steps', 'A', 'kept', 'B', 'gained'],
      rows.map(({ kind, name, flags, steps, recall }) => {
        const [onA, onB] = [recall.a.r_mean, recall.b.r_mean]
        const [kept, gained] = [onA - before.a.r_mean, onB - before.b.r_mean].map(signed)
        const shown = [name, flags && `\`${flags}\``, steps || '', percent(onA)]
        return kind === 'before' ? [...shown, '', percent(onB), ''] : [...shown, kept, percent(onB), gained]
      }),
    ),
    `Mean recall in percent (at 1, 5 and 10, both ways) on the held-out drawings of each half: ${a.held} of A (${a.pairs} are trained on), ${b.held} of B (${b.pairs}); at random ${percent(before.a.chance.r_mean)} and ${percent(before.b.chance.r_mean)}. 95 % intervals reach ${percent(halfWidth(rows))} to either side at most: rows that are closer tell nothing apart. One seed. ${machine.cpu}, ${machine.processors} processors, ${precision}, clipwright ${machine.clipwright}, ${day.toISOString().slice(0, 10)}.`,
  ].join('\n\n')
}

/** The largest half of an interval. */
function halfWidth(rows) {
  const intervals = rows.flatMap(({ recall }) => [recall.a.interval.r_mean, recall.b.interval.r_mean])
  return Math.max(...intervals.map(([low, high]) => (high - low) / 2))
}

/** The guide with this table in the place of the one it has. */
export const withReport = (guide, text) => between(guide, BEGIN, END, text, 'docs/guides/fine-tuning.md')

export const writePage = (text) => writeFileSync(page, withReport(readFileSync(page, 'utf8'), text))
