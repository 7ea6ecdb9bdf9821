/** What commands print, and how they end. */
import { isError } from '../base/brands.js'
import { shortageOf } from '../files/shortage.js'
import { jobOf } from '../ranks/job.js'

export const EXIT_FAILED = 1
export const EXIT_USAGE = 2
export const EXIT_INTERRUPTED = 130

/** One sentence on stderr; the stack and its causes with --verbose. */
export function reportError(error: unknown, verbose: boolean): void {
  const { message } = error as Error
  // Node's own, of a module that could not be opened: the library says it itself.
  const advice =
    shortageOf(error) === 'files' && !message.includes('ulimit') ? ' (raise the limit of open files: ulimit -n)' : ''
  const job = jobOf(process.env)
  const who = job ? `clipwright, rank ${job.rank} of ${job.size}` : 'clipwright'
  process.stderr.write(`${who}: ${message ?? String(error)}${advice}\n`)
  if (!verbose || !isError(error)) return
  const { keys } = error as { keys?: readonly string[] }
  if (keys && keys.length > 0) process.stderr.write(`all of them: ${keys.join(', ')}\n`)
  process.stderr.write(`${error.stack}\n${error.cause ? `caused by ${error.cause}\n` : ''}`)
}

/** Of a command that ranks carry out together the first speaks for all. */
export function isFirstRank(): boolean {
  return (jobOf(process.env)?.rank ?? 0) === 0
}

/** A launcher ends all ranks as soon as one has gone: whoever fails stays until the others have said why, too. */
export async function lastWords(): Promise<void> {
  if (jobOf(process.env)) await new Promise((resolve) => setTimeout(resolve, 1500))
}

/**
 * What becomes of a command that cannot write: without its result it fails, in silence when the reader has left
 * (`| head`); without its messages it goes on, because a training run must not end with the terminal that watches it.
 */
export function handleOutputErrors(): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') process.stderr.write(`clipwright: the result could not be written: ${error.message}\n`)
    process.exit(EXIT_FAILED)
  })
  process.stderr.on('error', () => {})
}

/** Warnings of the library in one line; Node's own way names the process and asks for flags of node. */
export function handleWarnings(): void {
  if (process.listenerCount('warning') === 0) return // node --no-warnings
  process.removeAllListeners('warning')
  process.on('warning', ({ message }) => process.stderr.write(`warning: ${message}\n`))
}

/** Names on stderr what a result has not. */
export function listSkipped(skipped: readonly { image: string; error: string }[]): void {
  for (const { image, error } of skipped) process.stderr.write(`left out ${image}: ${error}\n`)
}

/** The result of a command: one JSON document with --json, else what `text` makes of it. */
export function printResult<T>(json: boolean | undefined, result: T, text: (result: T) => string): void {
  process.stdout.write(json ? `${JSON.stringify(result)}\n` : `${text(result)}\n`)
}
