import { jobOf } from '../ranks/job.js'

/** Of a command that ranks carry out together the first speaks for all. */
export function isFirstRank(): boolean {
  return (jobOf(process.env)?.rank ?? 0) === 0
}
