/** Weights of a run's epochs, without what training would need to go on: `weights/` in the run folder. */
import { readdir } from 'node:fs/promises'
import type { Clip } from '../clip/clip.js'
import { saveModel } from '../clip/save.js'
import { keepAs, removeSaved } from './checkpoints.js'
import type { TrainEvent } from './events.js'
import type { Settings } from './options/options.js'
import type { RunFolder } from './run-folder.js'

const LAST = 'last_epoch_weights'
const BEST = 'best_epoch_weights'

/**
 * `last_epoch_weights` after each epoch, `best_epoch_weights` of the one with the lowest validation loss (training loss
 * where there is no validation list), and every `weightsEvery` epochs `ep001-loss2.345-val_loss3.456`, named by epoch,
 * counted from 1, and losses.
 */
export class EpochWeights {
  readonly #folder: RunFolder
  readonly #settings: Settings
  /** The epoch that ended last. */
  #epoch = { epoch: -1, loss: Number.NaN, validation: undefined as number | undefined, isBest: false }
  #lowest = Number.POSITIVE_INFINITY

  constructor(folder: RunFolder, settings: Settings) {
    this.#folder = folder
    this.#settings = settings
  }

  add(event: TrainEvent): void {
    const measured = this.#settings.val === undefined ? 'epoch' : event.type === 'eval' ? 'eval' : 'validation'
    if (event.type === 'epoch') {
      this.#epoch = { epoch: event.epoch, loss: event.loss, validation: undefined, isBest: false }
    } else if (event.type === 'eval' || event.type === 'validation') {
      this.#epoch.validation = event.loss
    }
    if (event.type === measured && event.loss < this.#lowest) {
      this.#lowest = event.loss
      this.#epoch.isBest = true
    }
  }

  /** Losses on another list do not compare. */
  forgetBest(): void {
    this.#lowest = Number.POSITIVE_INFINITY
  }

  /**
   * Keeps the weights of the epoch that ended, once its losses are known. No step may run meanwhile.
   * @throws ClipwrightError ERR_IO
   */
  async keep(clip: Clip): Promise<void> {
    const { weightsEvery, weightsDtype, epochs } = this.#settings
    if (weightsEvery === 0) return
    const { epoch, isBest } = this.#epoch
    const last = this.#folder.weights(LAST)
    await saveModel(clip, last, { dtype: weightsDtype }, { still: true })
    if (isBest) await keepAs(last, this.#folder.weights(BEST))
    if ((epoch + 1) % weightsEvery !== 0 && epoch + 1 !== epochs) return
    const name = this.#name()
    await this.#removeOthers(name)
    await keepAs(last, this.#folder.weights(name))
  }

  #name(): string {
    const { epoch, loss, validation } = this.#epoch
    return `${epochName(epoch)}-loss${loss.toFixed(3)}${validation === undefined ? '' : `-val_loss${validation.toFixed(3)}`}`
  }

  /** A run that went back to an earlier checkpoint may come to this epoch with other losses. */
  async #removeOthers(name: string): Promise<void> {
    const prefix = `${epochName(this.#epoch.epoch)}-`
    const folder = this.#folder.weights('')
    for (const other of await readdir(folder)) {
      if (other.startsWith(prefix) && other !== name) await removeSaved(this.#folder.weights(other))
    }
  }
}

const epochName = (epoch: number) => `ep${String(epoch + 1).padStart(3, '0')}`
