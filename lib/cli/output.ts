/** What commands print, and how they end. Loaded by `--help`, so it needs nothing itself. */

export const EXIT_FAILED = 1
export const EXIT_USAGE = 2
export const EXIT_INTERRUPTED = 130

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
