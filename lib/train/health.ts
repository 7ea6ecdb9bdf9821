/** What is wrong with a run, or may be: skipped steps, bad pictures, captions that are lost, a loss that does not fall. */
import { ClipwrightError } from '../base/errors.js'
import { describeLoad } from '../checkpoint/load-report.js'
import { sessionOf } from '../clip/session.js'
import type { StepResult } from '../optim/optimizer.js'
import { illegible } from '../tokenizer/legibility.js'
import type { ReadyBatch } from './batches.js'
import type { PreparedRun } from './prepare.js'
import type { Voice } from './voice.js'

/** Steps skipped one after the other that end a run: fp16's scale falls from its highest value to 1 in 24 of them. */
const MOST_SKIPPED = 100
/** Captions that are looked at before the first step, from all over the list. */
const LEGIBILITY_SAMPLE = 1000

export class Health {
  readonly #run: PreparedRun
  readonly #voice: Voice
  #skippedInARow = 0

  constructor(run: PreparedRun, voice: Voice) {
    this.#run = run
    this.#voice = voice
  }

  /** What is to be said before the first step. */
  start(): void {
    const { clip, list, state, loaded, inexact } = this.#run
    if (inexact.length > 0) {
      this.#voice.warn(
        'not_exact',
        `the resumed run will not equal an uninterrupted one: changed ${inexact.join(', ')}.`,
      )
    }
    if (loaded) this.#voice.warn('partial_weights', describeLoad(loaded))
    if (state.step > 0) return
    const every = Math.ceil(list.items.length / LEGIBILITY_SAMPLE)
    const captions = list.items.filter((_, i) => i % every === 0).map((item) => item.captions[0]!)
    const lost = illegible(clip.tokenizer, captions)
    if (lost) this.#voice.warn('captions_illegible', lost)
  }

  badSample({ index, path, error }: { index: number; path: string; error: Error }): void {
    const { state, folder, list } = this.#run
    state.badSamples.push(index)
    const code = error instanceof ClipwrightError ? error.code : undefined
    folder.listBadSample({ index, image: path, code, message: error.message })
    this.#voice.warn('bad_sample', `entry ${index} of ${list.path} is left out: ${error.message}`)
  }

  /**
   * Looks at a step that the state has already counted.
   * @throws ClipwrightError ERR_UNSUPPORTED when nothing but skipped steps is to be expected any more
   */
  step(batch: ReadyBatch, result: StepResult): void {
    this.#run.state.captionsCut.count += batch.tokens.truncated
    if (result.skipped) this.#skipped(batch, result)
    else this.#skippedInARow = 0
  }

  #skipped({ indices }: ReadyBatch, { gradNorm, lossScale = 1 }: StepResult): void {
    const { list, state, clip } = this.#run
    const why = `step ${state.step} was skipped because its gradients' norm was ${gradNorm}`
    if (lossScale > 1) {
      // The scale was too high, which says nothing about the pictures.
      this.#voice.warn('step_skipped', `${why} in fp16; the loss scale is now ${lossScale}, half of what it was.`)
    } else {
      const names = Array.from(indices, (index) => list.items[index]?.image)
      this.#voice.warn('step_skipped', `${why}; its pictures: ${names.join(', ')}`)
    }
    if (++this.#skippedInARow < MOST_SKIPPED) return
    const remedy =
      clip.precision === 'fp16' ? "resume with precision 'bf16' or 'fp32'" : 'start again with a lower learning rate'
    throw new ClipwrightError(
      'ERR_UNSUPPORTED',
      `train: the last ${MOST_SKIPPED} steps were skipped because their gradients were not finite, so the model no longer learns in ${clip.precision}; ${remedy}.`,
    )
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
    const entropies = settings.reduction === 'sum' ? 2 : 1
    const guessing = entropies * Math.log(batchSize)
    if (batchSize < 2 || state.step < 100 || state.lastEpochLoss < guessing - 0.05 * entropies) return
    const loss = state.lastEpochLoss.toFixed(3)
    const formula = `${entropies > 1 ? '2 ' : ''}ln ${batchSize} = ${guessing.toFixed(3)}`
    this.#voice.warn(
      'not_learning',
      `the last epoch's loss of ${loss} is that of guessing, ${formula}; try another lr, and look whether captions fit their pictures.`,
    )
  }
}
