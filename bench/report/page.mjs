#!/usr/bin/env node
// `npm run bench:report`: results/*.json as the tables and plots of RESULTS.md, between its markers.
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Store } from '../suite/store.mjs'
import { between } from './markdown.mjs'
import { plotsOf } from './plots.mjs'
import { provenance, sectionOf } from './tables.mjs'
import { targetsOf } from './targets.mjs'

export const BEGIN = '<!-- begin: npm run bench -->'
export const END = '<!-- end: npm run bench -->'
const PLOTS = ['ratios.svg', 'profile.svg', 'roofline.svg', 'batch-speed.svg', 'batch-memory.svg', 'encoder-memory.svg']

const HOW = `Written by \`npm run bench\`, which installs the peers, measures each case in turns with them, every trial in a process of its own,
and keeps all trials in [results/](results). A figure is the median of its trials, with the lowest and the highest; behind a
peer's stands how many times as good clipwright's is. \`npm run bench -- --list\` names the cases.`

/** What stands between the markers, and the drawings. @param folder of the results @param page that links to the drawings */
export function reportOf(folder, page) {
  const store = new Store(folder)
  const bySubject = Object.fromEntries(store.subjects().map((subject) => [subject, store.read(subject)]))
  const all = Object.values(bySubject).flat()
  const plots = plotsOf(bySubject)
  if (all.length === 0) return { text: 'Nothing has been measured yet: `npm run bench`.', plots }
  const links = plots.map(({ file, about }) => `![${about}](${relative(join(page, '..'), join(folder, file))})`)
  const sections = Object.entries(bySubject).map(([subject, results]) => sectionOf(subject, results))
  return {
    text: [HOW, provenance(all), ...links, targetsOf(bySubject), ...sections].filter(Boolean).join('\n\n'),
    plots,
  }
}

/** @param page RESULTS.md */
export async function writeReport(folder, page = fileURLToPath(new URL('../RESULTS.md', import.meta.url))) {
  const { text, plots } = reportOf(folder, page)
  const updated = between(readFileSync(page, 'utf8'), BEGIN, END, text, 'RESULTS.md')
  for (const file of PLOTS) rmSync(join(folder, file), { force: true }) // of results that are gone
  for (const { file, svg } of plots) writeFileSync(join(folder, file), `${svg}\n`)
  writeFileSync(page, updated)
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await writeReport(fileURLToPath(new URL('../results', import.meta.url)))
}
