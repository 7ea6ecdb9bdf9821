/** Signals that ask a long command for something. */
import { EXIT_INTERRUPTED } from './output.js'

/** Where sh is bash, npx and `npm run` send on the Ctrl-C that the terminal has sent already: so soon it is the same one. */
const SAME_SIGNAL_MS = 200

/** What people and systems end a command with. SIGHUP: the terminal was closed, the connection broke. */
const ENDS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
/**
 * Of batch systems, some time before they end a command: SIGUSR1 is the usual one of `sbatch --signal`, SIGXCPU is for the limit
 * on processor time. Node.js begins its debugger on SIGUSR1 unless somebody listens to it.
 */
const WARNS = ['SIGUSR1', 'SIGXCPU'] as const

/** What is done about signals: each is called once at most for those that end, and for each that saves. */
export type OnSignals = {
  /** To end in order. */
  stop(): void
  /** SIGUSR2: to save, and go on. */
  save?(): void
  /** Says nothing: another rank does. */
  quiet?: boolean
}

/**
 * The first Ctrl-C, SIGTERM or hang-up stops in order; a second Ctrl-C or SIGTERM ends the process at once. A second hang-up
 * does not: the shell and the system send one each. A batch system's warning stops in order, too, and leaves the time that is
 * left to that: the SIGTERM that follows it is the first, not the second.
 * @returns whether there was a signal that ends
 */
export function stopOnSignals({ stop, save, quiet = false }: OnSignals): () => boolean {
  let stopping = false
  let first: number | undefined
  const say = (text: string) => {
    if (!quiet) process.stderr.write(`\n${text}\n`)
  }
  const begin = () => {
    if (!stopping) stop()
    stopping = true
  }
  const onEnd = (signal: NodeJS.Signals) => {
    if (first !== undefined) {
      const isMeant = signal !== 'SIGHUP' && performance.now() - first > SAME_SIGNAL_MS
      if (isMeant) process.exit(EXIT_INTERRUPTED)
      return
    }
    first = performance.now()
    say('finishing the step and saving; once more to stop at once')
    begin()
  }
  const onWarning = (signal: NodeJS.Signals) => {
    if (!stopping) say(`${signal}: finishing the step and saving, before the time is over`)
    begin()
  }
  for (const signal of ENDS) process.on(signal, onEnd)
  for (const signal of WARNS) process.on(signal, onWarning)
  if (save)
    process.on('SIGUSR2', () => {
      say('SIGUSR2: saving after the step')
      save()
    })
  return () => stopping
}
