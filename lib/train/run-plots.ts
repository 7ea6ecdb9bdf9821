/** `loss.png`, `epoch_loss.png` and `recall.png` of a run, drawn beside the training. */
import type { EpochPoint, EvalPoint, LossPoint } from '../report/charts.js'
import type { TrainEvent } from './events.js'
import type { RunFolder } from './run-folder.js'

/** Drawing takes a core for half a second; a run with short epochs must not pay that each time. */
const REDRAW_AFTER_MS = 60_000
/** When there are more, every second one goes. */
const MAX_POINTS = 20_000

export class RunPlots {
  readonly #folder: RunFolder
  #losses: LossPoint[] = []
  readonly #evals: EvalPoint[] = []
  readonly #epochs: EpochPoint[] = []
  #drawing: Promise<void> | undefined
  #drawnAt = performance.now()

  constructor(folder: RunFolder) {
    this.#folder = folder
  }

  add(event: TrainEvent): void {
    if (event.type === 'step') {
      this.#losses.push({ step: event.step, loss: event.loss })
      if (this.#losses.length > MAX_POINTS) this.#losses = this.#losses.filter((_, i) => i % 2 === 1)
    } else if (event.type === 'epoch') {
      this.#epochs.push({ epoch: event.epoch + 1, loss: event.loss })
    } else if (event.type === 'validation' || event.type === 'eval') {
      const epoch = this.#epochs.at(-1)
      if (epoch) epoch.validation = event.loss
    }
    if (event.type === 'eval') {
      this.#evals.push({ step: event.step, loss: event.loss, recall: { ...event.recall } })
    }
  }

  /** Draws in the background, unless it did so a short while ago. Should it fail: the last drawing shows all again. */
  refresh(): void {
    if (this.#drawing || performance.now() - this.#drawnAt < REDRAW_AFTER_MS) return
    this.#drawing = this.#draw()
      .catch(() => {})
      .finally(() => {
        this.#drawing = undefined
        this.#drawnAt = performance.now()
      })
  }

  /** The last drawing. @returns what went wrong: plots must not fail a run */
  async finish(): Promise<unknown> {
    await this.#drawing
    return this.#draw().catch((error: unknown) => error)
  }

  async #draw(): Promise<void> {
    const { epochLossPlot, lossPlot, recallPlot } = await import('../report/plots.js')
    await this.#folder.writePlot('loss.png', await lossPlot(this.#losses, this.#evals))
    if (this.#epochs.length > 0) await this.#folder.writePlot('epoch_loss.png', await epochLossPlot(this.#epochs))
    if (this.#evals.length > 0) await this.#folder.writePlot('recall.png', await recallPlot(this.#evals))
  }
}
