/** Progress of a training run on the terminal: a bar, or a plain line every few seconds where nobody watches. */
import { invalid } from '../base/errors.js'
import { show } from '../base/options.js'
import { RECALL_COLUMNS } from '../eval/metrics.js'
import { table } from '../report/table.js'
import { fitLines } from '../report/wrap-words.js'
import type { TrainEvent } from '../train/events.js'
import { type BarState, barLine } from './bar-line.js'
import { configuration } from './configuration.js'
import { widthOf } from './output.js'

/** What shows a run on a terminal. */
export interface Progress {
  /** Is told every event of the run, in order. */
  show(event: TrainEvent): void
  /** Leaves the terminal as it was. */
  close(): void
}

const LINE_EVERY_MS = 10_000

/**
 * A bar for each epoch with loss, learning rate, share of the time that steps waited for data, pairs per second and time left on
 * a terminal; elsewhere one line every ten seconds.
 * cli-progress is loaded only for the bar.
 * @param verbose shows the whole configuration rather than what differs from the defaults
 */
export async function createProgress(stream: NodeJS.WriteStream = process.stderr, verbose = false): Promise<Progress> {
  if (typeof stream?.write !== 'function') throw invalid(`createProgress expects a stream, got ${show(stream)}.`)
  return stream.isTTY ? barProgress(stream, verbose) : lineProgress(stream, verbose)
}

/** What is said about an event that is not a step, on a terminal or not. */
function sentence(event: TrainEvent, verbose: boolean, width: number): string | undefined {
  switch (event.type) {
    case 'start':
      return configuration(event, verbose, width)
    case 'epoch':
      return `epoch ${event.epoch + 1}: loss ${event.loss.toFixed(3)}`
    case 'validation':
      return `epoch ${event.epoch + 1}: validation loss ${event.loss.toFixed(3)}`
    case 'eval':
      return `epoch ${event.epoch + 1}: validation loss ${event.loss.toFixed(3)}, recall in percent\n${recallTable(event)}`
    case 'canary': {
      const what = event.measure === 'top1' ? 'top-1' : 'mean recall'
      return `canary ${event.list}: ${what} ${event.value.toFixed(2)} %${event.step > 0 ? `, ${event.start.toFixed(2)} % at the start` : ''}`
    }
    case 'warning':
      return `warning: ${event.message}`
    default:
      return undefined
  }
}

/** The same in lines that fit the stream. */
function said(event: TrainEvent, verbose: boolean, stream: NodeJS.WriteStream): string | undefined {
  const width = widthOf(stream)
  const text = sentence(event, verbose, width)
  return text && fitLines(text, width)
}

function recallTable({ recall }: TrainEvent & { type: 'eval' }): string {
  const names = RECALL_COLUMNS
  return table(names, [names.map((name) => recall[name].toFixed(2))])
}

export function duration(seconds: number): string {
  if (!Number.isFinite(seconds)) return '–'
  const s = Math.round(seconds)
  const parts = [Math.floor(s / 3600), Math.floor(s / 60) % 60, s % 60]
  const shown = parts[0] ? parts : parts.slice(1)
  return shown.map((part, i) => (i ? String(part).padStart(2, '0') : String(part))).join(':')
}

type Start = TrainEvent & { type: 'start' }
type Step = TrainEvent & { type: 'step' }

/** Where a run stands, as far as its events tell. */
class Position {
  readonly #began = performance.now()
  readonly #first: number
  readonly #steps: number
  readonly epochs: number
  readonly stepsPerEpoch: number
  #epoch = -1
  #lossSum = 0
  #losses = 0

  constructor({ step, steps, options }: Start) {
    this.#first = step
    this.#steps = steps
    this.epochs = options.epochs ?? 1
    this.stepsPerEpoch = steps / this.epochs
  }

  /** What is shown of a step. */
  at({ step, epoch, loss, lr, pairsPerSecond, dataWaitShare }: Step) {
    if (epoch !== this.#epoch) [this.#epoch, this.#lossSum, this.#losses] = [epoch, 0, 0]
    this.#lossSum += loss
    this.#losses++
    return {
      epoch: `${epoch + 1}/${this.epochs}`,
      step: `${step}/${this.#steps}`,
      /** Steps of this epoch; fewer than were done where bad pictures made an earlier one shorter. */
      done: Math.min(Math.max(step - epoch * this.stepsPerEpoch, 0), this.stepsPerEpoch),
      loss: loss.toFixed(3),
      mean: (this.#lossSum / this.#losses).toFixed(3),
      lr: lr.toExponential(1),
      rate: pairsPerSecond.toFixed(pairsPerSecond < 100 ? 1 : 0),
      wait: (100 * dataWaitShare).toFixed(0),
      left: duration(this.#secondsLeft(step)),
    }
  }

  isLast({ step }: Step): boolean {
    return step >= this.#steps
  }

  /** From the steps since this process started: a resumed run does not count what others did. */
  #secondsLeft(step: number): number {
    const done = step - this.#first
    return done > 0 ? ((performance.now() - this.#began) / 1000 / done) * (this.#steps - step) : Number.NaN
  }
}

/** As much as fits on one line: the log has all of it. */
function stepLine(
  { epoch, step, loss, mean, lr, wait, rate, left }: ReturnType<Position['at']>,
  width: number,
): string {
  const forms = [
    [`loss ${loss}, mean ${mean}`, `lr ${lr}`, `data wait ${wait} %`],
    [`loss ${loss}, mean ${mean}`, `wait ${wait} %`],
    [`loss ${loss}`, `wait ${wait} %`],
  ]
  const lines = forms.map((form) =>
    [`epoch ${epoch}`, `step ${step}`, ...form, `${rate} pairs/s`, `${left} left`].join('  '),
  )
  return lines.find((line) => line.length <= width) ?? lines.at(-1)!
}

async function barProgress(stream: NodeJS.WriteStream, verbose: boolean): Promise<Progress> {
  const { default: cliProgress } = await import('cli-progress')
  const bar = new cliProgress.SingleBar(
    {
      stream,
      // A function, because a format of cli-progress is cut at the terminal's edge, with rate and time left beyond it.
      format: (_, { value, total }, shown) =>
        barLine(stream.columns || 80, { ...(shown as Omit<BarState, 'value' | 'total'>), value, total }),
      // A process that is ended in mid-bar leaves the terminal as it was: cursor and line wrapping are not touched.
      hideCursor: false,
      linewrap: true,
      // Ctrl-C belongs to the command, which finishes the step and saves.
      gracefulExit: false,
    },
    cliProgress.Presets.shades_classic,
  )
  let position: Position | undefined
  let running = false
  const stop = () => {
    if (running) bar.stop()
    running = false
  }
  return {
    show(event) {
      if (event.type === 'start') position = new Position(event)
      if (event.type === 'epoch') stop() // its bar stays where it is
      if (event.type === 'step' && position) {
        const { done, ...shown } = position.at(event)
        if (running) bar.update(done, shown)
        else bar.start(position.stepsPerEpoch, done, shown)
        running = true
        return
      }
      const text = said(event, verbose, stream)
      if (text) stream.write(`${running ? '\r\x1b[K' : ''}${text}\n`)
    },
    close: stop,
  }
}

function lineProgress(stream: NodeJS.WriteStream, verbose: boolean): Progress {
  let position: Position | undefined
  let last = Number.NEGATIVE_INFINITY
  return {
    show(event) {
      if (event.type === 'start') position = new Position(event)
      if (event.type === 'step' && position) {
        const shown = position.at(event)
        const now = performance.now()
        if (now - last < LINE_EVERY_MS && !position.isLast(event)) return
        last = now
        stream.write(`${stepLine(shown, widthOf(stream))}\n`)
        return
      }
      const text = said(event, verbose, stream)
      if (text) stream.write(`${text}\n`)
    },
    close() {},
  }
}
