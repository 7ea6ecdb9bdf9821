/** Signals that ask a long command to end. */
import { EXIT_INTERRUPTED } from './output.js'

/** Where sh is bash, npx and `npm run` send on the Ctrl-C that the terminal has sent already: so soon it is the same one. */
const SAME_SIGNAL_MS = 200

/**
 * The first Ctrl-C, SIGTERM or hang-up (SIGHUP: the terminal was closed, the connection broke) stops in order; a second
 * Ctrl-C or SIGTERM ends the process at once. A second hang-up does not: the shell and the system send one each.
 * @param stop is called once
 * @param quiet says nothing: another rank does
 * @returns whether there was a signal
 */
export function stopOnSignals(stop: () => void, { quiet = false } = {}): () => boolean {
  let first: number | undefined
  const onSignal = (signal: NodeJS.Signals) => {
    if (first !== undefined) {
      const isMeant = signal !== 'SIGHUP' && performance.now() - first > SAME_SIGNAL_MS
      if (isMeant) process.exit(EXIT_INTERRUPTED)
      return
    }
    first = performance.now()
    if (!quiet) process.stderr.write('\nfinishing the step and saving; once more to stop at once\n')
    stop()
  }
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, onSignal)
  return () => first !== undefined
}
