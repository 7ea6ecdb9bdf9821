// `npm run bench -- --list`.
import { table } from '../../dist/report/table.js'
import { SUBJECTS } from '../subjects/table.mjs'
import { nameOf } from './name.mjs'

/** @returns a line a case: its name, whether it is a quick one, who takes part, the memory that the hungriest needs */
export function listText(cases, peers) {
  const anywhere = { quick: false, artefact: (name) => name }
  const rows = cases.map((row) => {
    const there = Object.entries(SUBJECTS[row.subject].contenders).filter(
      ([who, { args }]) => (who === 'clipwright' || peers.includes(who)) && args(row, anywhere),
    )
    const needed = Math.max(...there.map(([, { needsMiB }]) => needsMiB?.(row) ?? 0))
    return [
      nameOf(row),
      row.quick ? 'quick' : '',
      needed ? `${Math.round(needed)}` : '',
      there.map(([who]) => who).join(', '),
    ]
  })
  return table(['case', '', 'MiB', 'who'], rows)
}
