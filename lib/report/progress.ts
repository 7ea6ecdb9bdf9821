/** Progress of a training run on the terminal: a bar, or a plain line every few seconds where nobody watches. */
import { RECALL_COLUMNS } from '../eval/metrics.js'
import type { TrainEvent } from '../train/events.js'
import { table } from './table.js'

export interface Progress {
  show(event: TrainEvent): void
  /** Leaves the terminal as it was. */
  close(): void
}

const LINE_EVERY_MS = 10_000

/**
 * A bar with loss, learning rate, pairs a second and time left on a terminal; elsewhere one line every ten seconds.
 * cli-progress is loaded only for the bar.
 */
export async function createProgress(stream: NodeJS.WriteStream = process.stderr): Promise<Progress> {
  return stream.isTTY ? barProgress(stream) : lineProgress(stream)
}

/** What is said about an event that is not a step, on a terminal or not. */
function sentence(event: TrainEvent): string | undefined {
  switch (event.type) {
    case 'start':
      return configuration(event)
    case 'epoch':
      return `epoch ${event.epoch + 1}: loss ${event.loss.toFixed(3)}`
    case 'validation':
      return `epoch ${event.epoch + 1}: validation loss ${event.loss.toFixed(3)}`
    case 'eval':
      return `epoch ${event.epoch + 1}: validation loss ${event.loss.toFixed(3)}, recall in percent\n${recallTable(event)}`
    case 'warning':
      return `warning: ${event.message}`
    default:
      return undefined
  }
}

/** What the run was told and what it does without being told, one option a line. */
function configuration({ options, parameters, pairs, steps, step, rates }: TrainEvent & { type: 'start' }): string {
  const show = (value: unknown) => (typeof value === 'string' ? value : JSON.stringify(value))
  const rows = Object.entries(options).flatMap(([name, value]) => (value === undefined ? [] : [[name, show(value)]]))
  const fitted = options.fitLr ? { 'fitted lr': rates.lr, 'fitted minLr': rates.minLr } : {}
  const run = { ...fitted, pictures: pairs, parameters, steps: step > 0 ? `${step} of ${steps} done` : steps }
  return table(['option', 'value'], [...rows, ...Object.entries(run)])
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

/** Seconds left, from the steps since this process started: a resumed run does not count what others did. */
class Clock {
  readonly #began = performance.now()
  #first = 0
  total = 0

  start(event: TrainEvent & { type: 'start' }): void {
    this.#first = event.step
    this.total = event.steps
  }

  left(step: number): number {
    const done = step - this.#first
    return done > 0 ? ((performance.now() - this.#began) / 1000 / done) * (this.total - step) : Number.NaN
  }
}

async function barProgress(stream: NodeJS.WriteStream): Promise<Progress> {
  const { default: cliProgress } = await import('cli-progress')
  const bar = new cliProgress.SingleBar(
    {
      stream,
      format: '{bar} {value}/{total}  loss {loss}  lr {lr}  {rate} pairs/s  {left} left',
      barCompleteChar: '█',
      barIncompleteChar: '░',
      barsize: 24,
      hideCursor: true,
      // Ctrl-C belongs to the command, which finishes the step and saves.
      gracefulExit: false,
    },
    cliProgress.Presets.shades_classic,
  )
  const clock = new Clock()
  let running = false
  return {
    show(event) {
      if (event.type === 'start') {
        clock.start(event)
        stream.write(`${sentence(event)}\n`)
        bar.start(event.steps, event.step, { loss: '–', lr: '–', rate: '–', left: '–' })
        running = true
      } else if (event.type === 'step') {
        bar.update(event.step, {
          loss: event.loss.toFixed(3),
          lr: event.lr.toExponential(1),
          rate: event.pairsPerSecond.toFixed(0),
          left: duration(clock.left(event.step)),
        })
      }
      const text = event.type === 'start' ? undefined : sentence(event)
      if (text) stream.write(`${running ? '\r\x1b[K' : ''}${text}\n`)
    },
    close() {
      if (running) bar.stop()
      running = false
    },
  }
}

function lineProgress(stream: NodeJS.WriteStream): Progress {
  const clock = new Clock()
  let last = Number.NEGATIVE_INFINITY
  return {
    show(event) {
      if (event.type === 'start') {
        clock.start(event)
        stream.write(`${sentence(event)}\n`)
      } else if (event.type === 'step') {
        const now = performance.now()
        if (now - last < LINE_EVERY_MS && event.step < clock.total) return
        last = now
        stream.write(
          `step ${event.step}/${clock.total}  loss ${event.loss.toFixed(3)}  lr ${event.lr.toExponential(1)}  ${event.pairsPerSecond.toFixed(1)} pairs/s  ${duration(clock.left(event.step))} left\n`,
        )
      } else {
        const text = sentence(event)
        if (text) stream.write(`${text}\n`)
      }
    },
    close() {},
  }
}
