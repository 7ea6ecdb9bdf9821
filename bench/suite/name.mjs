// What a case is called: its subject and its sizes, `step/ViT-B-32/bf16/20-tokens/64-pairs`.
import { SUBJECTS } from '../subjects/table.mjs'

/** The case as `--only` and the results call it. */
export function nameOf(row) {
  return [row.subject, ...SUBJECTS[row.subject].parts(row)].join('/').replace(/[ ,]+/g, '-')
}

/** The case as a table calls it, within its subject's. */
export const labelOf = (row) => SUBJECTS[row.subject].parts(row).join(', ')
