/** What is said of a download on stderr: a line that is drawn over itself, or one now and then where nobody watches. */
import { isOn } from './settings.js'

const LINE_EVERY_MS = 10_000
const FIRST_LINE_MS = 2000
const DRAW_EVERY_MS = 100

/** Warnings have this code. */
export const HUB_WARNING = 'CLIPWRIGHT_HUB'

export class Voice {
  readonly #stream: NodeJS.WriteStream
  readonly #began = performance.now()
  readonly #silent = isOn('HF_HUB_DISABLE_PROGRESS_BARS')
  #next: number
  #drawn = false
  /** Bytes that were there before. */
  #first: number | undefined

  constructor(stream: NodeJS.WriteStream = process.stderr) {
    this.#stream = stream
    this.#next = this.#began + (stream.isTTY ? 0 : FIRST_LINE_MS)
  }

  /** How far the files of one download are, in bytes. */
  show(what: string, done: number, total: number): void {
    this.#first ??= done
    const now = performance.now()
    if (this.#silent || now < this.#next) return
    this.#next = now + (this.#stream.isTTY ? DRAW_EVERY_MS : LINE_EVERY_MS)
    const perSecond = Math.max(done - this.#first, 0) / ((now - this.#began) / 1000)
    const left = perSecond > 0 ? `${time((total - done) / perSecond)} left` : ''
    const line = [what, `${mebibytes(done)} of ${mebibytes(total)} MiB`, `${mebibytes(perSecond)} MiB/s`, left]
      .join('  ')
      .trim()
    if (this.#stream.isTTY) this.#stream.write(`\r\x1b[K${line.slice(0, (this.#stream.columns || 80) - 1)}`)
    else this.#stream.write(`${line}\n`)
    this.#drawn = this.#stream.isTTY
  }

  /** Of waits, and of what is done otherwise than asked: a process warning. */
  readonly note = (sentence: string): void => {
    this.close()
    process.emitWarning(`${sentence}.`, { code: HUB_WARNING })
  }

  /** Leaves the terminal as it was. */
  close(): void {
    if (this.#drawn) this.#stream.write('\r\x1b[K')
    this.#drawn = false
  }
}

function mebibytes(bytes: number): string {
  return (bytes / 2 ** 20).toFixed(1)
}

function time(seconds: number): string {
  const whole = Math.ceil(seconds)
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor((whole % 3600) / 60)]
  if (hours > 0) return `${hours} h ${minutes} min`
  return minutes > 0 ? `${minutes} min ${whole % 60} s` : `${whole} s`
}
