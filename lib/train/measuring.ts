/** What is measured on the validation list at the end of epochs, and whether that is the best so far. */
import type { Encoders } from '../clip/encode-shared.js'
import { evaluate, validationLoss } from '../eval/evaluate.js'
import type { Loss } from '../loss/loss.js'
import type { Canaries } from './canaries.js'
import type { PreparedRun } from './prepare.js'
import type { Voice } from './voice.js'

/** By mean recall, without a validation list by loss. */
export type Best = { step: number; rMean: number; loss: number }

/** Recall, loss and canaries, or the loss alone. */
export type Measure = 'eval' | 'validation'

export class Measuring {
  readonly #run: PreparedRun
  readonly #voice: Voice
  readonly #loss: Loss
  readonly #canaries: Canaries
  readonly #stopping: AbortSignal
  readonly #encoders: Encoders

  constructor(
    run: PreparedRun,
    voice: Voice,
    loss: Loss,
    canaries: Canaries,
    stopping: AbortSignal,
    encoders: Encoders,
  ) {
    this.#run = run
    this.#voice = voice
    this.#loss = loss
    this.#canaries = canaries
    this.#stopping = stopping
    this.#encoders = encoders
  }

  /** What is measured after this epoch, if anything. */
  after(epoch: number): Measure | undefined {
    const { epochs, evalEvery, validateEvery, val } = this.#run.settings
    const isDue = (every: number) => every > 0 && (epoch + 1) % every === 0
    if (val === undefined && this.#run.canaries.length === 0) return undefined
    if (epoch + 1 === epochs || isDue(evalEvery)) return 'eval'
    return val !== undefined && isDue(validateEvery) ? 'validation' : undefined
  }

  /**
   * Measures the epoch that ended last and says what came out.
   * @returns whether it was done (a run that is stopped leaves it to whoever goes on with it), and the best if this is it
   */
  async measure(): Promise<{ done: boolean; best?: Best | undefined }> {
    const { clip, optimizer, val, settings, state } = this.#run
    const epoch = state.cursor.epoch - 1
    const { step } = state
    const { world } = this.#run
    const o = {
      batchSize: settings.batchSize,
      loss: this.#loss,
      signal: this.#stopping,
      world,
      encoders: this.#encoders,
    }
    try {
      if (val && this.after(epoch) === 'validation') {
        const loss = await optimizer.withAverages(() => validationLoss(clip, val, o))
        state.evalPending = false
        this.#voice.say({ type: 'validation', epoch, step, loss })
        return { done: true }
      }
      // All is measured before anything is said, so that a run which is stopped in between says nothing twice.
      const known = await this.#canaries.measure()
      const found = val && (await optimizer.withAverages(() => evaluate(clip, val, o)))
      state.evalPending = false
      this.#canaries.tell(known)
      if (!found) return { done: true, best: this.bestByLoss(state.lastEpochLoss) }
      const { recall, loss } = found
      this.#voice.say({ type: 'eval', epoch, step, loss, recall })
      const isBest = !(recall.r_mean <= (state.best?.rMean ?? Number.NEGATIVE_INFINITY))
      return { done: true, best: isBest ? { step, rMean: recall.r_mean, loss } : undefined }
    } catch (error) {
      if (!this.#stopping.aborted || !state.evalPending) throw error
      return { done: false }
    }
  }

  /** Without a validation list the best epoch is the one of the lowest loss. */
  bestByLoss(loss: number): Best | undefined {
    const { val } = this.#run.settings
    const { best, step } = this.#run.state
    if (val !== undefined || loss >= (best?.loss ?? Number.POSITIVE_INFINITY)) return undefined
    return { step, rMean: Number.NaN, loss }
  }
}
