/** `loss.png`, `epoch_loss.png` and `recall.png` of a run, drawn beside the training. */
import { basename } from 'node:path'
import type { RetrievalResult } from '../eval/retrieval.js'
import { makeLoss } from '../loss/table.js'
import type { CanaryCurve, EpochPoint, EvalPoint, NamedLevel } from '../report/charts.js'
import { LossCurve } from '../report/loss-curve.js'
import type { TrainEvent } from './events.js'
import type { RunFolder } from './run-folder.js'

/** Drawing takes a core for a fifth of a second; a run with short epochs must not pay that each time. */
const REDRAW_AFTER_MS = 60_000

export class RunPlots {
  readonly #folder: RunFolder
  readonly #losses = new LossCurve()
  readonly #evals: EvalPoint[] = []
  readonly #canaries = new Map<string, CanaryCurve>()
  readonly #epochs: EpochPoint[] = []
  #guessing: NamedLevel | undefined
  #lastStep = 0
  #drawing: Promise<void> | undefined
  #drawnAt = performance.now()

  constructor(folder: RunFolder) {
    this.#folder = folder
  }

  add(event: TrainEvent): void {
    if (event.type === 'start') {
      this.#guessing = guessing(event.options)
    } else if (event.type === 'step') {
      this.#losses.add(event)
      this.#lastStep = Math.max(this.#lastStep, event.step)
    } else if (event.type === 'epoch') {
      this.#epochs.push({ epoch: event.epoch + 1, loss: event.loss })
    } else if (event.type === 'validation' || event.type === 'eval') {
      const epoch = this.#epochs.at(-1)
      if (epoch) epoch.validation = event.loss
    }
    if (event.type === 'canary') this.#addCanary(event)
    if (event.type === 'eval') {
      const { step, loss } = event
      const { chance, ...recall } = event.recall as RecallWithChance
      this.#evals.push({ step, loss, recall, ...(chance && { chance }) })
      this.#lastStep = Math.max(this.#lastStep, step)
    }
  }

  #addCanary({ list, measure, step, value }: TrainEvent & { type: 'canary' }): void {
    const what = measure === 'top1' ? 'top-1' : 'recall'
    const curve = this.#canaries.get(list) ?? { name: `${basename(list)}, ${what}`, points: [] }
    this.#canaries.set(list, curve)
    curve.points.push([step, value])
    this.#lastStep = Math.max(this.#lastStep, step)
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
    const [evals, canaries, lastStep] = [this.#evals, [...this.#canaries.values()], this.#lastStep]
    const loss = await lossPlot(this.#losses.points, evals, { lastStep, guessing: this.#guessing })
    await this.#folder.writePlot('loss.png', loss)
    if (this.#epochs.length > 0) await this.#folder.writePlot('epoch_loss.png', await epochLossPlot(this.#epochs))
    if (evals.length > 0 || canaries.length > 0)
      await this.#folder.writePlot('recall.png', await recallPlot(evals, { lastStep, canaries }))
  }
}

/** What evaluation gives, of which the event promises the recall alone. */
type RecallWithChance = Record<string, number> & { chance?: RetrievalResult['chance'] }

/** The loss of a model to which all pairs of a batch are alike. */
function guessing({ batchSize, ...options }: (TrainEvent & { type: 'start' })['options']): NamedLevel | undefined {
  if (!batchSize) return undefined
  const { loss = 'infonce', reduction = 'mean' } = options
  const { value, formula } = makeLoss({ ...options, loss, reduction }).guessing(batchSize)
  return { value, text: `guessing: ${formula} = ${value.toFixed(2)}` }
}
