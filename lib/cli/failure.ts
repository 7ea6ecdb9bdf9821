/** How a command fails. Loaded when it does. */
import { isError } from '../base/brands.js'
import { shortageOf } from '../files/shortage.js'
import { jobOf } from '../ranks/job.js'
import { onTerminal } from './output.js'

/** One sentence on stderr; the stack and its causes with --verbose. */
export function reportError(error: unknown, verbose: boolean): void {
  const { message } = error as Error
  // Node's own, of a module that could not be opened: the library says it itself.
  const advice =
    shortageOf(error) === 'files' && !message.includes('ulimit') ? ' (raise the limit of open files: ulimit -n)' : ''
  const job = jobOf(process.env)
  const who = job ? `clipwright, rank ${job.rank} of ${job.size}` : 'clipwright'
  process.stderr.write(`${onTerminal(`${who}: ${message ?? String(error)}${advice}`)}\n`)
  if (!verbose || !isError(error)) return
  const { keys } = error as { keys?: readonly string[] }
  if (keys && keys.length > 0) process.stderr.write(`all of them: ${keys.join(', ')}\n`)
  process.stderr.write(`${error.stack}\n${error.cause ? `caused by ${error.cause}\n` : ''}`)
}

/** A launcher ends all ranks as soon as one has gone: whoever fails stays until the others have said why, too. */
export async function lastWords(): Promise<void> {
  if (jobOf(process.env)) await new Promise((resolve) => setTimeout(resolve, 1500))
}
