/** Epochs of steps, with evaluations and checkpoints in between. */

import { ClipwrightError } from '../base/errors.js'
import { elementCount } from '../checkpoint/formats/dtypes.js'
import { describeLoad } from '../checkpoint/load-report.js'
import { sessionOf } from '../clip/session.js'
import { joinedNote } from '../eval/eval-set.js'
import { evaluate, validationLoss } from '../eval/evaluate.js'
import { nameOf } from '../image/source.js'
import { InfoNCE } from '../loss/info-nce.js'
import type { StepResult } from '../optim/optimizer.js'
import { type TrainStepResult, trainStep } from '../optim/train-step.js'
import { illegible } from '../tokenizer/legibility.js'
import { BatchReader, type ReadyBatch } from './batches.js'
import { BEST, keepLastAs, keepStep, saveLast } from './checkpoints.js'
import type { TrainEvent, TrainResult, TrainWarning } from './events.js'
import type { PreparedRun } from './prepare.js'
import { RunRecord } from './record.js'
import { learningRate } from './schedule.js'

/** Steps skipped one after the other that end a run: fp16's scale falls from its highest value to 1 in 24 of them. */
const MOST_SKIPPED = 100
/** Captions that are looked at before the first step, from all over the list. */
const LEGIBILITY_SAMPLE = 1000

/** A step that the core has, and what it was begun with. */
type BegunStep = { batch: ReadyBatch; lr: number; dataWaitMs: number; results: Promise<TrainStepResult> }

export class TrainingLoop {
  readonly #run: PreparedRun
  readonly #tell: (event: TrainEvent) => void
  readonly #stopping: AbortSignal
  readonly #loss: InfoNCE
  readonly #contextLength: number
  readonly #record: RunRecord
  /** The step that `last` holds, unless the state changed otherwise since. */
  #saved: number | undefined
  #lastStepEvent = performance.now()
  #pairsSince = 0
  #skippedInARow = 0
  #underWay: BegunStep | undefined

  /**
   * @param tell hands an event to whoever listens
   * @param stopping aborts when the run shall end after the step that is running
   */
  constructor(run: PreparedRun, tell: (event: TrainEvent) => void, stopping: AbortSignal) {
    this.#run = run
    this.#tell = tell
    this.#stopping = stopping
    this.#loss = new InfoNCE({ reduction: run.settings.reduction })
    this.#contextLength = sessionOf(run.clip, 'train').model.text.contextLength
    this.#record = new RunRecord(run.folder, run.settings)
  }

  async run(): Promise<TrainResult> {
    const { state, settings, folder } = this.#run
    await this.#start()
    const reader = this.#openReader()
    try {
      if (state.evalPending) await this.#evaluatePending()
      await this.#steps(reader)
    } catch (error) {
      // Whatever stopped the run, the steps it has done are kept if they can be.
      await this.#settle().catch(() => {})
      if (this.#saved !== state.step) await this.#save().catch(() => {})
      throw error
    } finally {
      await reader.close()
    }
    const interrupted = state.cursor.epoch < settings.epochs || state.evalPending
    if (!interrupted) this.#lookBack()
    this.#sayCaptionsCut()
    if (this.#saved !== state.step) await this.#save()
    await this.#record.finishPlots((code, message) => this.#warn(code, message))
    const result = this.#result(interrupted)
    this.#say({ type: 'end', result })
    await folder.close()
    return result
  }

  async #start(): Promise<void> {
    const { clip, source, val, schedule, state, loaded, inexact, options } = this.#run
    if (state.step > 0) await this.#record.replay()
    const parameters = clip.parameters().reduce((sum, { shape }) => sum + elementCount(shape), 0)
    const { steps, lr, minLr } = schedule
    const rates = { lr, minLr }
    const { pairs } = state.data
    const { config, device } = clip
    this.#say({ type: 'start', config, parameters, device, pairs, steps, step: state.step, rates, options })
    if (inexact.length > 0) {
      this.#warn('not_exact', `the resumed run will not equal an uninterrupted one: changed ${inexact.join(', ')}.`)
    }
    if (loaded) this.#warn('partial_weights', describeLoad(loaded))
    if (state.step > 0) return
    const joined = val && joinedNote(val, String(options.val))
    if (joined) this.#warn('pictures_joined', joined)
    const lost = illegible(clip.tokenizer, await source.someCaptions(LEGIBILITY_SAMPLE))
    if (lost) this.#warn('captions_illegible', lost)
  }

  #openReader(): BatchReader {
    const { clip, source, settings, state, folder } = this.#run
    const { batchSize, seed, epochs } = settings
    const onBadSample = ({ index, path, error }: { index: number; path: string; error: Error }) => {
      state.badSamples.push(index)
      const code = error instanceof ClipwrightError ? error.code : undefined
      folder.listBadSample({ index, image: path, code, message: error.message })
      this.#warn('bad_sample', `entry ${index} of ${source.path} is left out: ${error.message}`)
    }
    const start = { ...state.cursor }
    const knownBad = [...state.badSamples]
    const o = { source, batchSize, seed, epochs, start, knownBad, onBadSample }
    return new BatchReader(clip, this.#contextLength, o, settings)
  }

  async #steps(reader: BatchReader): Promise<void> {
    const { state, settings } = this.#run
    while (!this.#stopping.aborted) {
      const asked = performance.now()
      const batch = await reader.next()
      const dataWaitMs = performance.now() - asked
      // What an epoch has beyond its last full batch is dropped, so only the next batch tells that it is over.
      const epoch = batch?.epoch ?? settings.epochs
      if (state.cursor.epoch < epoch) await this.#settle()
      while (state.cursor.epoch < epoch) {
        if (this.#stopping.aborted) return
        await this.#finishEpoch()
      }
      if (!batch || this.#stopping.aborted) break
      await this.#step(batch, dataWaitMs)
    }
    await this.#settle()
  }

  /** Begins a step. Where the device works beside the host, its results are read after the next one was begun. */
  async #step(batch: ReadyBatch, dataWaitMs: number): Promise<void> {
    const { clip, optimizer, settings, schedule, state } = this.#run
    const step = state.step + (this.#underWay ? 2 : 1)
    const lr = learningRate(schedule, { step: step - 1, epoch: batch.epoch })
    const { maxGradNorm, microBatch, checkpointing } = settings
    const o = { lr, maxGradNorm, microBatch, checkpointing }
    const pairs = { images: batch.pixels, tokens: batch.tokens }
    const results = trainStep(clip, optimizer, pairs, this.#loss, o)
    results.catch(() => {}) // a failure belongs to whoever takes the results
    const last = this.#underWay
    this.#underWay = { batch, lr, dataWaitMs, results }
    if (last) await this.#take(last)
    if (!sessionOf(clip, 'train').concurrent || this.#savesAt(step)) await this.#settle()
  }

  /** Waits until no step is under way. */
  async #settle(): Promise<void> {
    const last = this.#underWay
    this.#underWay = undefined
    if (last) await this.#take(last)
  }

  /** Takes a step's results into the run's state. */
  async #take({ batch, lr, dataWaitMs, results }: BegunStep): Promise<void> {
    const { settings, schedule, state } = this.#run
    const result = await results
    const { loss, logitScale, gradNorm } = result

    state.step++
    state.cursor = batch.next
    state.captionsCut.count += batch.tokens.truncated
    this.#pairsSince += settings.batchSize
    if (result.skipped) this.#skipped(batch, result)
    else this.#skippedInARow = 0
    if (Number.isFinite(loss)) {
      state.epochLoss.sum += loss
      state.epochLoss.steps++
    }
    if (state.step % settings.logEvery === 0 || state.step === schedule.steps) {
      const now = performance.now()
      const pairsPerSecond = (this.#pairsSince * 1000) / (now - this.#lastStepEvent)
      const { step } = state
      this.#say({ type: 'step', step, epoch: batch.epoch, loss, lr, gradNorm, logitScale, pairsPerSecond, dataWaitMs })
      this.#resetClock()
    }
    if (this.#savesAt(state.step)) await this.#save()
  }

  #savesAt(step: number): boolean {
    const { saveEvery } = this.#run.settings
    return saveEvery !== undefined && step % saveEvery === 0
  }

  async #finishEpoch(): Promise<void> {
    const { state, settings, val, source } = this.#run
    const { epoch } = state.cursor
    const { sum, steps } = state.epochLoss
    if (state.step === 0) {
      throw new ClipwrightError(
        'ERR_DATA',
        `${source.path}: without its ${state.badSamples.length} bad pictures the list does not fill one batch of ${settings.batchSize}; repair them or lower batchSize.`,
      )
    }
    const loss = sum / steps
    this.#say({ type: 'epoch', epoch, loss })
    state.lastEpochLoss = loss
    state.epochLoss = { sum: 0, steps: 0 }
    state.cursor = { epoch: epoch + 1, position: 0 }
    this.#saved = undefined
    if (epoch === 0) this.#sayCaptionsCut()
    state.evalPending = this.#measureAfter(epoch) !== undefined
    if (state.evalPending) await this.#evaluatePending()
    else {
      await this.#record.keepEpoch(this.#run.clip)
      if (val === undefined && !(loss >= (state.best?.loss ?? Number.POSITIVE_INFINITY))) {
        await this.#saveBest({ step: state.step, rMean: Number.NaN, loss })
      }
    }
    if (settings.saveEvery === undefined && this.#saved !== state.step) await this.#save()
    this.#record.refreshPlots()
    this.#resetClock()
  }

  /** What is measured on the validation list at the end of an epoch: recall and loss, the loss alone, or nothing. */
  #measureAfter(epoch: number): 'eval' | 'validation' | undefined {
    const { epochs, evalEvery, validateEvery, val } = this.#run.settings
    const isDue = (every: number) => every > 0 && (epoch + 1) % every === 0
    if (val === undefined) return undefined
    if (epoch + 1 === epochs || isDue(evalEvery)) return 'eval'
    return isDue(validateEvery) ? 'validation' : undefined
  }

  async #evaluatePending(): Promise<void> {
    const { clip, val, settings, state } = this.#run
    if (!val) return
    const epoch = state.cursor.epoch - 1
    const { step } = state
    const o = { batchSize: settings.batchSize, loss: this.#loss, signal: this.#stopping }
    try {
      if (this.#measureAfter(epoch) === 'validation') {
        const loss = await validationLoss(clip, val, o)
        state.evalPending = false
        this.#say({ type: 'validation', epoch, step, loss })
        await this.#record.keepEpoch(clip)
        return
      }
      const { recall, loss } = await evaluate(clip, val, o)
      state.evalPending = false
      this.#say({ type: 'eval', epoch, step, loss, recall })
      await this.#record.keepEpoch(clip)
      if (!(recall.r_mean <= (state.best?.rMean ?? Number.NEGATIVE_INFINITY))) {
        await this.#saveBest({ step, rMean: recall.r_mean, loss })
      }
    } catch (error) {
      // Whoever goes on with the run evaluates first.
      if (!this.#stopping.aborted || !state.evalPending) throw error
    }
  }

  async #saveBest(best: { step: number; rMean: number; loss: number }): Promise<void> {
    this.#run.state.best = best
    await this.#save()
    const path = await keepLastAs(this.#run.folder, BEST)
    this.#say({ type: 'checkpoint', step: best.step, path })
  }

  async #save(): Promise<void> {
    const { folder, clip, optimizer, state, settings } = this.#run
    state.lengths = await folder.flush()
    const path = await saveLast(folder, clip, optimizer, state)
    await keepStep(folder, state.step, settings.keep)
    this.#saved = state.step
    this.#say({ type: 'checkpoint', step: state.step, path })
    this.#resetClock()
  }

  /** Pairs a second are those of steps, without evaluations and checkpoints. */
  #resetClock(): void {
    this.#lastStepEvent = performance.now()
    this.#pairsSince = 0
  }

  /** @throws ClipwrightError ERR_UNSUPPORTED when nothing but skipped steps is to be expected any more */
  #skipped({ images }: ReadyBatch, { gradNorm, lossScale = 1 }: StepResult): void {
    const { state, clip } = this.#run
    const why = `step ${state.step} was skipped because its gradients' norm was ${gradNorm}`
    if (lossScale > 1) {
      // The scale was too high, which says nothing about the pictures.
      this.#warn('step_skipped', `${why} in fp16; the loss scale is now ${lossScale}, half of what it was.`)
    } else {
      this.#warn('step_skipped', `${why}; its pictures: ${images.map(nameOf).join(', ')}`)
    }
    if (++this.#skippedInARow < MOST_SKIPPED) return
    const remedy =
      clip.precision === 'fp16' ? "resume with precision 'bf16' or 'fp32'" : 'start again with a lower learning rate'
    throw new ClipwrightError(
      'ERR_UNSUPPORTED',
      `train: the last ${MOST_SKIPPED} steps were skipped because their gradients were not finite, so the model no longer learns in ${clip.precision}; ${remedy}.`,
    )
  }

  #sayCaptionsCut(): void {
    const { captionsCut } = this.#run.state
    if (captionsCut.said || captionsCut.count === 0) return
    captionsCut.said = true
    const many = captionsCut.count === 1 ? '1 caption was' : `${captionsCut.count} captions were`
    const message = `${many} longer than the context of ${this.#contextLength} tokens so far and lost their end; the end token is kept.`
    this.#warn('caption_cut', message)
  }

  #lookBack(): void {
    const { state, settings } = this.#run
    const { batchSize } = settings
    const entropies = settings.reduction === 'sum' ? 2 : 1
    const guessing = entropies * Math.log(batchSize)
    if (batchSize < 2 || state.step < 100 || state.lastEpochLoss < guessing - 0.05 * entropies) return
    const loss = state.lastEpochLoss.toFixed(3)
    const formula = `${entropies > 1 ? '2 ' : ''}ln ${batchSize} = ${guessing.toFixed(3)}`
    this.#warn(
      'not_learning',
      `the last epoch's loss of ${loss} is that of guessing, ${formula}; try another lr, and look whether captions fit their pictures.`,
    )
  }

  #result(interrupted: boolean): TrainResult {
    const { state, folder } = this.#run
    const { sum, steps } = state.epochLoss
    return {
      steps: state.step,
      epochs: state.cursor.epoch,
      loss: steps > 0 ? sum / steps : state.lastEpochLoss,
      best: { step: state.best?.step ?? 0, rMean: state.best?.rMean ?? Number.NaN },
      out: folder.path,
      interrupted,
    }
  }

  #warn(code: TrainWarning, message: string): void {
    this.#say({ type: 'warning', code, message })
  }

  #say(event: TrainEvent): void {
    this.#record.add(event)
    this.#tell(event)
  }
}
