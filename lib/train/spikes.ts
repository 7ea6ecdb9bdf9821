/** Losses that jump or are not finite: what is said of them, and what is done (`onSpike`). */
import { nameOf } from '../image/source.js'
import type { TrainableLoss } from '../loss/loss.js'
import type { TrainStepResult } from '../optim/train-step.js'
import type { ReadyBatch } from './batches.js'
import { Diverged, MOST_IN_A_ROW } from './health.js'
import type { PreparedRun } from './prepare.js'
import { type Limit, limitAfter, type Verdict, WINDOW } from './spike-rule.js'
import type { Voice } from './voice.js'

/** Pictures that a message names; the log has the numbers of all samples. */
const NAMED = 16
export class Spikes {
  readonly #run: PreparedRun
  readonly #voice: Voice
  readonly #guessing: number

  constructor(run: PreparedRun, voice: Voice, loss: TrainableLoss) {
    this.#run = run
    this.#voice = voice
    this.#guessing = loss.guessing(run.settings.batchSize).value
  }

  /**
   * Of a step that is begun now. Where steps are begun before the results of the last are in, those are not known; they are left
   * out everywhere, so that a run which was interrupted has the same limits.
   */
  limit(step: number): Limit | undefined {
    const { window, newest } = this.#run.state.spikes
    const known = step === this.#run.state.step + 1 || newest === null ? window : [...window, newest]
    return limitAfter(known.slice(-WINDOW), this.#guessing)
  }

  /** Whether steps above their limit are not to be learned from. */
  get acts(): boolean {
    return this.#run.settings.onSpike !== 'stop'
  }

  /** Looks at a step that the state has already counted. */
  look(batch: ReadyBatch, { loss, skipped, lossScale = 1 }: TrainStepResult, limit: Limit | undefined): Verdict {
    const { state, settings } = this.#run
    const { spikes } = state
    if (spikes.newest !== null) spikes.window = [...spikes.window, spikes.newest].slice(-WINDOW)
    const jumped = limit !== undefined && loss > limit.limit
    // A gradient that fp16's scale made too large says nothing about the pictures.
    const sound = skipped ? lossScale > 1 : Number.isFinite(loss)
    spikes.newest = !jumped && Number.isFinite(loss) ? loss : null
    if (!jumped && sound) {
      spikes.inARow = 0
      return 'learned'
    }
    spikes.count++
    spikes.inARow++
    const verdict = settings.onSpike === 'rewind' ? 'rewind' : !jumped ? 'not finite' : skipped ? 'skipped' : 'told'
    if (verdict === 'rewind') spikes.rewound++
    else if (skipped) spikes.skipped++
    if (verdict !== 'not finite') this.#tell(batch, loss, jumped ? limit : undefined, verdict)
    return verdict
  }

  /** After a step that was looked at. @throws Diverged when it is no bad batch any more */
  requireOwnLoss(): void {
    if (this.#run.state.spikes.inARow < MOST_IN_A_ROW) return
    throw new Diverged(`the losses of the last ${MOST_IN_A_ROW} steps jumped or were not finite`)
  }

  #tell({ images, indices }: ReadyBatch, loss: number, limit: Limit | undefined, verdict: Verdict): void {
    const { step } = this.#run.state
    const found = limit
      ? `jumped to ${loss.toFixed(3)}, above ${limit.limit.toFixed(3)} (the median of the last steps is ${limit.median.toFixed(3)})`
      : Number.isFinite(loss)
        ? `is ${loss.toFixed(3)}, but its gradients are not finite`
        : `is ${loss}`
    const done =
      verdict === 'skipped' ? '; nothing was learned from it' : verdict === 'rewind' ? '; the weights go back' : ''
    const named = images.slice(0, NAMED).map(nameOf).join(', ')
    const more = images.length > NAMED ? ` and ${images.length - NAMED} more` : ''
    const message = `the loss of step ${step} ${found}${done}; its pictures: ${named}${more}`
    this.#voice.say({ type: 'warning', code: 'loss_spike', message, samples: [...indices] })
  }
}
