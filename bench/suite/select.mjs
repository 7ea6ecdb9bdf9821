// Which cases run, and against whom.
import { nearest } from '../../dist/base/nearest.js'
import { SetupError } from '../../scripts/setup/command.mjs'
import { SUBJECTS } from '../subjects/table.mjs'
import { nameOf } from './name.mjs'

/**
 * Rows whose name begins with one of `only` (all without), in the table's order; with `quick` the quick ones, unless a whole name
 * asks for another. Throws a sentence that offers the nearest name for one that no case has.
 * @param {readonly any[]} cases @param {{ only?: string[], quick?: boolean }} o
 */
export function selectCases(cases, { only = [], quick = false } = {}) {
  const names = cases.map(nameOf)
  for (const prefix of only)
    if (!names.some((name) => begins(name, prefix))) throw new SetupError(unknown('case', prefix, prefixes(names)))
  return cases.filter((row, i) => {
    const asked = only.length === 0 || only.some((prefix) => begins(names[i], prefix))
    return asked && (!quick || row.quick === true || only.includes(names[i]))
  })
}

/** Peers of all subjects. */
export function peerNames() {
  const all = Object.values(SUBJECTS).flatMap(({ contenders }) => Object.keys(contenders))
  return [...new Set(all)].filter((name) => name !== 'clipwright')
}

/** Those that are named, or all; 'none' is nobody. Throws a sentence that offers the nearest. */
export function selectPeers(asked) {
  const known = peerNames()
  if (asked === undefined) return known
  const named = asked.split(',').filter((name) => name !== 'none')
  for (const name of named) if (!known.includes(name)) throw new SetupError(unknown('peer', name, [...known, 'none']))
  return named
}

/** Whole parts of a name: "step/ViT-B-32" is no beginning of "step/ViT-B-32-quickgelu". */
const begins = (name, prefix) => `${name}/`.startsWith(prefix.endsWith('/') ? prefix : `${prefix}/`)

/** All that `--only` takes. */
function prefixes(names) {
  const parts = names.map((name) => name.split('/'))
  return new Set(parts.flatMap((words) => words.map((_, i) => words.slice(0, i + 1).join('/'))))
}

function unknown(what, name, known) {
  const close = nearest(name, known)
  return `There is no ${what} "${name}"${close ? `; did you mean "${close}"?` : '.'} npm run bench -- --list shows what there is.`
}
