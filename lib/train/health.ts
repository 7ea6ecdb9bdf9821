/** What is wrong with a run, or may be: skipped steps, bad pictures, captions that are lost, a loss that does not fall. */
import { allFinite } from '../base/arrays.js'
import { ClipwrightError } from '../base/errors.js'
import { optionName } from '../base/option-names.js'
import { describeLoad } from '../checkpoint/load-report.js'
import { sessionOf } from '../clip/session.js'
import { joinedNote } from '../eval/eval-set.js'
import { nameOf } from '../image/source.js'
import type { TrainableLoss } from '../loss/loss.js'
import type { TrainStepResult } from '../optim/train-step.js'
import { illegible } from '../tokenizer/legibility.js'
import type { ReadyBatch } from './batches.js'
import { findDivergence, findOddFeatures, notFinite, type Probe, probeOf } from './divergence.js'
import type { PreparedRun } from './prepare.js'
import { isByEpoch } from './schedule.js'
import type { Verdict } from './spike-rule.js'
import type { Voice } from './voice.js'

/** Losses that jump one after the other, which end a run: it is no bad batch then. */
export const MOST_IN_A_ROW = 5
/** Steps skipped one after the other, for which fp16's loss scale was not to blame, that end a run. */
const MOST_SKIPPED = 5
/** Captions that are looked at before the first step, from all over the list. */
const LEGIBILITY_SAMPLE = 1000

/** A run that learns no more and must not be saved. What can be gone on from is not known here. */
export class Diverged extends Error {}

function refuseUnsound(wrong: string | undefined): void {
  if (wrong !== undefined) throw new Diverged(`the model has diverged: ${wrong}`)
}

export class Health {
  readonly #run: PreparedRun
  readonly #voice: Voice
  /** What training lowers. */
  readonly #objective: TrainableLoss
  #skippedInARow = 0
  /** What is wrong with the newest step's loss, if anything. */
  #loss: string | undefined
  #probe: Probe | undefined
  /** The step after which the model was found to be sound. */
  #soundAt: number | undefined

  constructor(run: PreparedRun, voice: Voice, objective: TrainableLoss) {
    this.#run = run
    this.#voice = voice
    this.#objective = objective
  }

  /**
   * What is to be said before the first step.
   * @param damaged numbers of the log's lines that cannot be read
   */
  async start(damaged: readonly number[]): Promise<void> {
    const { clip, source, val, options, state, loaded, inexact, folder, notes } = this.#run
    for (const { code, message } of notes) this.#voice.warn(code, message)
    if (damaged.length > 0) {
      const [lines, are] = damaged.length === 1 ? ['line', 'is'] : ['lines', 'are']
      const message = `${folder.path}/log.jsonl: ${lines} ${damaged.slice(0, 5).join(', ')}${damaged.length > 5 ? ` and ${damaged.length - 5} more` : ''} ${are} no JSON; the curves go on without.`
      this.#voice.warn('damaged', message)
    }
    this.#warnOfOptions()
    if (inexact.length > 0) {
      this.#voice.warn(
        'not_exact',
        `the resumed run will not equal an uninterrupted one: changed ${inexact.join(', ')}.`,
      )
    }
    if (loaded) this.#voice.warn('partial_weights', describeLoad(loaded))
    if (state.step > 0) return
    const joined = val && joinedNote(val, String(options.val))
    if (joined) this.#voice.warn('pictures_joined', joined)
    const lost = illegible(clip.tokenizer, await source.someCaptions(LEGIBILITY_SAMPLE))
    if (lost) this.#voice.warn('captions_illegible', lost)
  }

  #warnOfOptions(): void {
    const { schedule, settings } = this.#run
    if (!isByEpoch(schedule.kind) && schedule.warmup > schedule.steps) {
      const message = `the warm-up of ${schedule.warmup} steps is longer than the run of ${schedule.steps}, so the learning rate never reaches ${schedule.lr}; lower ${optionName('warmup', 'warmup')} or raise ${optionName('epochs', 'epochs')}.`
      this.#voice.warn('warmup_too_long', message)
    }
    if (settings.batchSize === 1) {
      const message = `with a batch size of 1 there is nothing to contrast a pair with: the loss is 0, and nothing is learned; raise ${optionName('batchSize', 'batchSize')}.`
      this.#voice.warn('batch_of_one', message)
    }
  }

  badSample({ index, path, error }: { index: number; path: string; error: Error }): void {
    const { state, folder, source } = this.#run
    state.badSamples.push(index)
    const code = error instanceof ClipwrightError ? error.code : undefined
    folder.listBadSample({ index, image: path, code, message: error.message })
    this.#voice.warn('bad_sample', `${source.nameOf(index)} is left out: ${error.message}`)
  }

  /**
   * Looks at a step that the state has already counted.
   * @throws Diverged when nothing but skipped steps is to be expected any more
   */
  step(batch: ReadyBatch, { loss, microBatch, ...result }: TrainStepResult, verdict: Verdict): void {
    const { state } = this.#run
    if (microBatch !== undefined) this.#halved(microBatch)
    state.captionsCut.count += batch.captionsCut
    this.#probe = probeOf(batch)
    this.#loss = Number.isFinite(loss) ? undefined : `the loss of step ${state.step} was ${loss}`
    if (verdict === 'rewind') this.#loss = undefined
    if (verdict === 'told' && state.spikes.inARow >= MOST_IN_A_ROW) this.#loss = 'its losses jumped again and again'
    if (verdict === 'skipped' || verdict === 'rewind') return
    if (result.skipped) this.#skipped(batch, result)
    else this.#skippedInARow = 0
  }

  /** The newest step found memory only once its micro-batch was halved to this. */
  #halved(microBatch: number): void {
    const { state, clip } = this.#run
    if (microBatch >= (state.microBatch ?? Number.POSITIVE_INFINITY)) return // it was begun before that was known
    state.microBatch = microBatch
    const pairs = microBatch === 1 ? '1 pair goes' : `${microBatch} pairs go`
    const message = `step ${state.step} found no memory on ${clip.device} for more at a time: from it on ${pairs} through the towers at once, which computes the same and takes longer; ${optionName('checkpointing')}, or more memory, may be faster.`
    this.#voice.warn('memory', message)
  }

  #skipped({ images }: ReadyBatch, { gradNorm, lossScale = 1 }: Pick<TrainStepResult, 'gradNorm' | 'lossScale'>): void {
    const { state, clip } = this.#run
    const why = `step ${state.step} was skipped because its gradients' norm was ${gradNorm}`
    if (lossScale > 1) {
      // The scale was too high, which says nothing about the pictures.
      this.#voice.warn('step_skipped', `${why} in fp16; the loss scale is now ${lossScale}, half of what it was.`)
      this.#skippedInARow = 0
      return
    }
    this.#voice.warn('step_skipped', `${why}; its pictures: ${images.map(nameOf).join(', ')}`)
    if (++this.#skippedInARow < MOST_SKIPPED) return
    throw new Diverged(
      `the last ${MOST_SKIPPED} steps were skipped because their gradients were not finite, so the model no longer learns in ${clip.precision}`,
    )
  }

  /**
   * Makes sure that the model still is one. No step may be under way.
   * @throws Diverged
   */
  async requireSound(): Promise<void> {
    if (this.#soundAt === this.#run.state.step) return
    refuseUnsound(await findDivergence(this.#run.clip, this.#probe))
    this.#soundAt = this.#run.state.step
  }

  /** The same, of all but its weights: `inspect` looks at them as they are saved. @throws Diverged */
  async requireSoundFeatures(): Promise<void> {
    if (this.#soundAt === this.#run.state.step) return
    refuseUnsound(await findOddFeatures(this.#run.clip, this.#probe))
  }

  /** @throws Diverged */
  inspect(name: string, values: Float32Array): void {
    if (!allFinite(values)) refuseUnsound(notFinite(name))
  }

  /**
   * Why a sound model should not be saved yet: the newest loss was not finite. A skipped step left the weights as they
   * were, so a later one that is finite ends the doubt.
   */
  get doubt(): string | undefined {
    return this.#loss
  }

  /** Says once how many captions were cut, when enough of them were seen. */
  sayCaptionsCut(): void {
    const { clip, state } = this.#run
    const { captionsCut } = state
    if (captionsCut.said || captionsCut.count === 0) return
    captionsCut.said = true
    const many = captionsCut.count === 1 ? '1 caption was' : `${captionsCut.count} captions were`
    const { contextLength } = sessionOf(clip, 'train').model.text
    const message = `${many} longer than the context of ${contextLength} tokens so far and lost their end; the end token is kept.`
    this.#voice.warn('caption_cut', message)
  }

  /** Whether a run that is over has learned anything. */
  lookBack(): void {
    const { state, settings } = this.#run
    const { batchSize } = settings
    const { value, formula, margin } = this.#objective.guessing(batchSize)
    if (batchSize < 2 || state.step < 100 || state.lastEpochLoss < value - margin) return
    const loss = state.lastEpochLoss.toFixed(3)
    this.#voice.warn(
      'not_learning',
      `the last epoch's loss of ${loss} is that of guessing, ${formula} = ${value.toFixed(3)}; try another ${optionName('lr', 'lr')}, and look whether captions fit their pictures.`,
    )
  }
}
