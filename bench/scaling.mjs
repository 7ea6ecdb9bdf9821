#!/usr/bin/env node
// `npm run bench:scaling`: what a step takes on N ranks. Prints the tables; `--write` puts them and the plots into bench/scaling.md
// between the markers; `--measure` first measures 1, 2 and 4 ranks on this machine.
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { between } from './report/markdown.mjs'
import { measure } from './scaling/measure.mjs'
import { measuredTables, paperTables } from './scaling/tables.mjs'

const RESULTS = new URL('./scaling/measured.json', import.meta.url)
export const page = new URL('./scaling.md', import.meta.url)
const BEGIN = '<!-- begin: npm run bench:scaling -- --write -->'
const END = '<!-- end: npm run bench:scaling -- --write -->'

export function report() {
  const measured = existsSync(RESULTS) ? JSON.parse(readFileSync(RESULTS, 'utf8')) : undefined
  return [...measuredTables(measured), ...paperTables()].join('\n\n')
}

/** The page with its tables replaced by `report()`. */
export const updated = (text) => between(text, BEGIN, END, report(), 'scaling.md')

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { values } = parseArgs({
    options: {
      measure: { type: 'boolean' },
      write: { type: 'boolean' },
      model: { type: 'string', default: 'ViT-B-32' },
      precision: { type: 'string', default: 'fp32' },
      batches: { type: 'string', default: '16,64' },
      steps: { type: 'string', default: '3' },
      seconds: { type: 'string', default: '0.3' },
      trials: { type: 'string', default: '2' },
    },
  })
  if (values.measure) {
    const { model, precision, batches, steps, seconds, trials } = values
    const numbers = { steps: Number(steps), seconds: Number(seconds), trials: Number(trials) }
    const measured = await measure({ model, precision, batches: batches.split(',').map(Number), ...numbers })
    writeFileSync(RESULTS, `${JSON.stringify(measured, null, 2)}\n`)
  }
  if (values.write) {
    const { writeScalingPlots } = await import('./scaling/plots.mjs')
    writeScalingPlots()
    writeFileSync(page, updated(readFileSync(page, 'utf8')))
  } else if (!values.measure) console.log(report())
}
