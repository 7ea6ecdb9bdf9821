// results/*.json: a file a subject, written again after each trial, so that a suite that ended early goes on where it was.
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { SetupError } from '../../scripts/setup/command.mjs'
import { SUBJECTS } from '../subjects/table.mjs'
import { nameOf } from './name.mjs'
import { summarize } from './summary.mjs'

/**
 * A case's results.
 * @typedef {object} Result
 * @property {string} name
 * @property {object} row
 * @property {object} machine that it was measured on, and with which versions
 * @property {string} date
 * @property {boolean} quick
 * @property {string} [skipped] why it was not measured
 * @property {Record<string, { trials: object[], summary?: object, failed?: string, skipped?: string }>} contenders
 */

export class Store {
  constructor(folder) {
    this.folder = folder
  }

  /** All results of a subject, in the order of the cases. @returns {Result[]} */
  read(subject) {
    const file = join(this.folder, `${subject}.json`)
    if (!existsSync(file)) return []
    try {
      const { results } = JSON.parse(readFileSync(file, 'utf8'))
      if (Array.isArray(results)) return results
    } catch {}
    throw new SetupError(`${file} does not hold results of the suite: remove it, or take it from git again.`)
  }

  find(row) {
    const name = nameOf(row)
    return this.read(row.subject).find((result) => result.name === name)
  }

  /** Puts a result in the place of the one before, or at its place among the cases. */
  write(result, cases) {
    const { subject } = result.row
    const { figures } = SUBJECTS[subject]
    for (const contender of Object.values(result.contenders)) contender.summary = summarize(contender.trials, figures)
    const order = cases.map(nameOf)
    // Cases that are no longer in the table stay until somebody removes them.
    const results = [...this.read(subject).filter(({ name }) => name !== result.name), result].sort(
      (a, b) => place(order, a) - place(order, b),
    )
    mkdirSync(this.folder, { recursive: true })
    const file = join(this.folder, `${subject}.json`)
    writeFileSync(`${file}.part`, `${JSON.stringify({ subject, results }, null, 1)}\n`)
    renameSync(`${file}.part`, file)
  }

  subjects() {
    const there = existsSync(this.folder) ? readdirSync(this.folder) : []
    return Object.keys(SUBJECTS).filter((subject) => there.includes(`${subject}.json`))
  }
}

const place = (order, { name }) => (order.includes(name) ? order.indexOf(name) : order.length)
