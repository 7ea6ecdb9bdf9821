// Results as text: a section a subject.
import { SUBJECTS } from '../subjects/table.mjs'
import { labelOf } from '../suite/name.mjs'
import { ratio } from '../suite/summary.mjs'
import { digits, table } from './markdown.mjs'

/** @param {import('../suite/store.mjs').Result[]} results of one subject */
export function sectionOf(subject, results) {
  const { title, about } = SUBJECTS[subject]
  const notes = []
  const note = (sentence) => {
    if (!notes.includes(sentence)) notes.push(sentence)
    return `[${notes.indexOf(sentence) + 1}]`
  }
  const blocks = [
    `### ${title}`,
    about,
    figuresTable(subject, results, note),
    ...results.flatMap((result) => opsTable(result)),
    ...notes.map((sentence, i) => `[${i + 1}] ${sentence}`),
  ]
  return blocks.join('\n\n')
}

function figuresTable(subject, results, note) {
  const { figures, contenders } = SUBJECTS[subject]
  const who = Object.keys(contenders).filter((name) => results.some((result) => result.contenders[name]))
  const [first, ...others] = figures
  // A figure that nobody has (a peer may count no memory) is no column.
  const more = others.flatMap((figure) =>
    who
      .filter((name) => results.some((r) => r.contenders[name]?.summary?.[figure.key]))
      .map((name) => ({ figure, name })),
  )
  const heading = [
    'case',
    ...who.map((name, i) => (i === 0 ? `${name}, ${first.unit}` : name)),
    ...more.map(({ figure, name }) => `${figure.title}, ${figure.unit}: ${name}`),
  ]
  const rows = results.map(({ row, contenders: found }) => [
    labelOf(row),
    ...who.map((name) => cell(found, name, first, note)),
    ...more.map(({ figure, name }) => (found[name]?.summary?.[figure.key] ? cell(found, name, figure, note) : '')),
  ])
  return table(heading, rows)
}

/** The median, its spread in brackets, and behind a peer's how many times as good clipwright is. */
function cell(found, name, figure, note) {
  const its = found[name]
  if (!its) return ''
  const value = its.summary?.[figure.key]
  if (!value)
    return its.skipped
      ? `skipped ${note(`${name}: ${its.skipped}`)}`
      : its.failed
        ? `failed ${note(`${name}: ${its.failed}`)}`
        : 'not measured'
  const { median, low, high } = value
  const spread = digits(low) === digits(high) ? '' : ` (${digits(low)} to ${digits(high)})`
  const times = name === 'clipwright' ? undefined : ratio(found.clipwright?.summary, its.summary, figure)
  return `${digits(median)}${spread}${times === undefined ? '' : `: **${times.toFixed(2)} ×**`}`
}

/** Of a profile: the operations of its last trial. */
function opsTable({ row, contenders }) {
  const profile = contenders.clipwright?.trials.at(-1)
  if (!profile?.ops) return []
  const { ops, stepMs, restMs, ceilings } = profile
  const percent = (x) => `${(100 * x).toFixed(1)} %`
  const rows = ops.map((op) => [
    `\`${op.name}\``,
    op.calls,
    op.ms.toFixed(1),
    percent(op.share),
    op.gflop.toFixed(1),
    op.gb.toFixed(2),
    op.ofCeiling === undefined ? '' : percent(op.ofCeiling),
  ])
  return [
    `${labelOf(row)}: ${stepMs.toFixed(0)} ms a step, ${restMs.toFixed(1)} ms of it outside of operations${ceilings ? `; ceilings ${ceilings.gflops.toFixed(0)} GFLOP/s and ${ceilings.gbPerSecond.toFixed(1)} GB/s` : ''}.`,
    table(['op', 'calls', 'ms', 'of the step', 'GFLOP', 'GB', 'of the ceiling'], rows),
  ]
}

/** What all sections have in common: machines and versions, dates, how often, and whether the figures are worth quoting. */
export function provenance(results) {
  const machines = groups(results, ({ machine }) => {
    const { processors, cpu, isa, memoryGiB, node, onednn, clipwright, commit } = machine
    return `${processors} processors of ${cpu} (kernels for ${isa}, oneDNN ${onednn}), ${memoryGiB} GiB, Node ${node}, clipwright ${clipwright}${commit ? ` (${commit})` : ''}`
  })
  const lines = machines.map(([facts, all]) => {
    const dates = [...new Set(all.map(({ date }) => date))].sort()
    return `- ${facts}; ${dates.length > 1 ? `${dates[0]} to ${dates.at(-1)}` : dates[0]}${versionsOf(all)}.`
  })
  const busy = results.filter((result) => result.busy)
  if (busy.length > 0)
    lines.push(
      `- **The machine had other work during ${busy.length === results.length ? 'all' : `${busy.length} of ${results.length}`} cases: their times are not to be quoted; ratios of one case say more.**`,
    )
  if (results.some(({ quick }) => quick))
    lines.push(
      `- Short measurements (\`--quick\`): ${results.filter(({ quick }) => quick).length} of ${results.length} cases.`,
    )
  return lines.join('\n')
}

/** Of peers, as they said themselves. */
function versionsOf(results) {
  const found = {}
  for (const { contenders } of results)
    for (const { trials } of Object.values(contenders))
      for (const { versions } of trials) Object.assign(found, versions)
  const named = Object.entries(found).map(([name, version]) => `${name} ${version}`)
  return named.length > 0 ? `; ${named.join(', ')}` : ''
}

function groups(items, key) {
  const found = new Map()
  for (const item of items) found.set(key(item), [...(found.get(key(item)) ?? []), item])
  return [...found]
}
