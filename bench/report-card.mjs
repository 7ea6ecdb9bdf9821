#!/usr/bin/env node
// `npm run bench:report-card results.json`: what the kit measured on a card (docs/card.md) as tables, put into RESULTS.md
// between the markers. Without a file name nothing is written.
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { between } from './report/markdown.mjs'

const BEGIN = '<!-- begin: npm run bench:report-card -->'
const END = '<!-- end: npm run bench:report-card -->'

/** Markdown of a results.json. Throws a sentence for a run whose figures are not to be written down. */
export function reportOf(results) {
  const { small, stages = [], machine = {} } = results
  if (small) throw new Error('That was a rehearsal (--small): its times mean nothing.')
  const failed = stages.filter(({ status }) => status === 'failed').map(({ name }) => name)
  if (failed.length > 0)
    throw new Error(`Stages failed (${failed.join(', ')}): nothing is written down of a run that did.`)
  const blocks = [
    `${headline(results, machine)}\n`,
    columns('Training steps', results.steps, [['pairsPerSecond', 'pairs/s', true]], stepNote),
    columns('InfoNCE and its gradients', results.losses, [['ms', 'ms', false]], lossNote),
    columns('Attention', results.attentions, [
      ['forwardMs', 'forward, ms', false],
      ['backwardMs', 'backward, ms', false],
    ]),
    profiles(results.profiles),
    suites(stages),
  ]
  return blocks.filter(Boolean).join('\n')
}

function headline({ started = '', commit, clipwright }, { cards = [], software = {}, clipwright: ours = {} }) {
  const [card] = cards
  const name = card?.name ?? ours.cards?.[0]?.name ?? 'unknown card'
  const facts = [
    name,
    `driver ${card?.driver_version ?? ours.driver ?? 'unknown'}`,
    `cuBLASLt ${ours.cublasLt || 'unknown'}`,
    software.torch ? `torch ${software.torch}` : 'no torch',
    software.open_clip && `open_clip ${software.open_clip}`,
    card?.['power.limit'] && `${card['power.limit']} W`,
    `clipwright ${clipwright}${commit ? ` (${commit})` : ''}`,
    started.slice(0, 10),
  ]
  return `${facts.filter(Boolean).join('; ')}. Each figure is the median of runs that alternate with the peers' on the same card; ratios are clipwright's speed over theirs.`
}

/** One row a case and figure; `higher` where more is faster. */
function columns(title, rows = [], figures, note = () => '') {
  if (rows.length === 0) return ''
  const peers = [
    ...new Set(rows.flatMap((row) => Object.keys(row).filter((key) => isColumn(row[key]) && key !== 'clipwright'))),
  ]
  const heading = ['what', 'unit', 'clipwright', ...peers.flatMap((peer) => [peer, 'ratio']), 'runs', 'note']
  const lines = rows.flatMap((row) =>
    figures.map(([key, unit, higher]) => {
      const ours = row.clipwright?.[key]
      const cells = peers.flatMap((peer) => {
        const theirs = row[peer]?.[key]
        if (theirs === undefined) return [row[peer]?.why ?? 'not measured', '']
        return [digits(theirs), ours === undefined ? '' : (higher ? ours / theirs : theirs / ours).toFixed(2)]
      })
      return [
        row.what,
        unit,
        ours === undefined ? (row.clipwright?.why ?? 'not measured') : digits(ours),
        ...cells,
        row.rounds,
        note(row),
      ]
    }),
  )
  return `### ${title}\n\n${table(heading, lines)}\n`
}

const isColumn = (value) => typeof value === 'object' && value !== null && !Array.isArray(value)

function stepNote({ clipwright: { gflops, peakMiB, deviceMs, stepMs } = {} }) {
  const facts = [
    gflops && `${(gflops / 1000).toFixed(1)} TFLOP/s`,
    peakMiB && `${(peakMiB / 1024).toFixed(1)} GiB`,
    deviceMs && stepMs && `${((100 * deviceMs) / stepMs).toFixed(0)} % of a step on the card`,
  ]
  return facts.filter(Boolean).join('; ')
}

function lossNote({ clipwright: ours = {}, open_clip: theirs = {} }) {
  if (ours.extraMiB === undefined) return ''
  const peer = theirs.extraMiB === undefined ? '' : `, open_clip ${theirs.extraMiB.toFixed(0)} MiB`
  return `beside features of ${ours.featuresMiB.toFixed(0)} MiB: ${ours.extraMiB.toFixed(0)} MiB${peer}`
}

function profiles(rows = []) {
  return rows
    .map(({ model, batch, ops }) => {
      const total = ops.reduce((sum, { ms }) => sum + ms, 0)
      const lines = [...ops]
        .sort((a, b) => b.ms - a.ms)
        .map(({ name, calls, launches, ms }) => [
          `\`${name}\``,
          calls,
          launches,
          ms.toFixed(3),
          `${((100 * ms) / total).toFixed(1)} %`,
        ])
      return `### A step of ${model}, ${batch} pairs, by operation\n\n${table(['op', 'calls', 'launches', 'ms', 'share'], lines)}\n`
    })
    .join('\n')
}

function suites(stages) {
  const rows = stages.map(({ name, status, passed, failed, skipped, seconds, said = [] }) => [
    name,
    status,
    passed === undefined ? '' : `${passed} passed, ${failed} failed, ${skipped} skipped`,
    `${seconds} s`,
    said.join('; '),
  ])
  return rows.length === 0 ? '' : `### Stages\n\n${table(['stage', 'how', 'tests', 'took', 'said'], rows)}\n`
}

const digits = (x) => (x >= 1000 ? x.toFixed(0) : x >= 10 ? x.toFixed(1) : x.toPrecision(3))

function table(heading, rows) {
  const line = (cells) =>
    `| ${cells
      .map((cell) =>
        String(cell ?? '')
          .replace(/\s+/g, ' ')
          .replaceAll('|', '\\|'),
      )
      .join(' | ')} |`
  return [heading, heading.map(() => '---'), ...rows].map(line).join('\n')
}

/** `page` with the report between its markers. */
export const updated = (page, report) => between(page, BEGIN, END, report.trimEnd(), 'RESULTS.md')

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    const [file] = process.argv.slice(2)
    if (!file) throw new Error('Name the results.json that the kit wrote: npm run bench:report-card results.json')
    const page = fileURLToPath(new URL('RESULTS.md', import.meta.url))
    writeFileSync(page, updated(readFileSync(page, 'utf8'), reportOf(JSON.parse(readFileSync(file, 'utf8')))))
    console.log(`written to ${page}`)
  } catch (error) {
    console.error(`error: ${error.message}`)
    process.exit(1)
  }
}
