/** What commands print, and how they end. Loaded by `--help`, so it needs little itself. */
import { fitLines } from '../report/wrap-words.js'

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

const USUAL_WIDTH = 80
/** Below this nothing is gained by breaking lines. */
const LEAST_WIDTH = 40

/** Columns of a terminal; where it is none, as many as most have. */
export function widthOf(stream: NodeJS.WriteStream): number {
  return Math.max(stream.columns || USUAL_WIDTH, LEAST_WIDTH)
}

/** A message of a failure: lines of a terminal, and a line alone where a program reads it. */
export function onTerminal(text: string): string {
  return process.stderr.isTTY ? fitLines(text, widthOf(process.stderr)) : text
}

/** Tells people something beside the result. */
export function say(text: string): void {
  process.stderr.write(`${fitLines(text, widthOf(process.stderr))}\n`)
}

export function warn(message: string): void {
  say(`warning: ${message}`)
}

/** Warnings of the library without what Node says around them; Node's own way names the process and asks for flags of node. */
export function handleWarnings(): void {
  if (process.listenerCount('warning') === 0) return // node --no-warnings
  process.removeAllListeners('warning')
  process.on('warning', ({ message }) => warn(message))
}

/** Names on stderr what a result has not. */
export function listSkipped(skipped: readonly { image: string; error: string }[]): void {
  for (const { image, error } of skipped) process.stderr.write(`${onTerminal(`left out ${image}: ${error}`)}\n`)
}

/**
 * The result of a command: one JSON document with --json, else what `text` makes of it for so many columns. Sentences that
 * are wider are broken; tables have to keep to the width themselves.
 */
export function printResult<T>(json: boolean | undefined, result: T, text: (result: T, width: number) => string): void {
  const width = widthOf(process.stdout)
  process.stdout.write(json ? `${JSON.stringify(result)}\n` : `${fitLines(text(result, width), width)}\n`)
}
