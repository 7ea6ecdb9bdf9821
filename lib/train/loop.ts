/** The sequence of a run: epochs of steps, with evaluations and checkpoints in between. */
import { ClipwrightError } from '../base/errors.js'
import { optionName } from '../base/option-names.js'
import { elementCount } from '../checkpoint/formats/dtypes.js'
import { sessionOf } from '../clip/session.js'
import type { PictureCache } from '../image/picture-cache.js'
import type { TrainableLoss } from '../loss/loss.js'
import { makeLoss } from '../loss/table.js'
import { type TrainStepResult, trainStep } from '../optim/train-step.js'
import { BatchReader, type ReadyBatch } from './batches.js'
import { saveBeside } from './beside.js'
import { Canaries } from './canaries.js'
import { decodedCacheOf } from './decoded-cache.js'
import type { TrainEvent, TrainResult } from './events.js'
import { Health } from './health.js'
import { Keeping } from './keeping.js'
import { lossesOf } from './ledger.js'
import { measuredFeatures } from './measured-features.js'
import { type Best, Measuring } from './measuring.js'
import { Pace } from './pace.js'
import type { PreparedRun } from './prepare.js'
import { RunRecord } from './record.js'
import { learningRate } from './schedule.js'
import type { Limit } from './spike-rule.js'
import { Spikes } from './spikes.js'
import { checkOf, type PictureCheck } from './validation-pictures.js'
import { Voice } from './voice.js'

/** A step that the core has, and what it was begun with. */
type BegunStep = {
  batch: ReadyBatch
  lr: number
  /** What its loss is judged by. */
  limit: Limit | undefined
  dataWaitMs: number
  results: Promise<TrainStepResult>
}

export class TrainingLoop {
  readonly #run: PreparedRun
  readonly #stopping: AbortSignal
  readonly #loss: TrainableLoss
  readonly #record: RunRecord
  readonly #voice: Voice
  readonly #health: Health
  readonly #pace = new Pace()
  readonly #spikes: Spikes
  readonly #keeping: Keeping
  readonly #measuring: Measuring
  readonly #canaries: Canaries
  readonly #pictures: PictureCheck
  readonly #cache: PictureCache | undefined
  #underWay: BegunStep | undefined
  /** Of several ranks: one of them was asked to stop, and all know. */
  #halted = false
  /** Somebody wants a checkpoint now. */
  #asked = false

  /**
   * @param tell hands an event to whoever listens
   * @param stopping aborts when the run shall end after the step that is running
   */
  constructor(run: PreparedRun, tell: (event: TrainEvent) => void, stopping: AbortSignal) {
    this.#run = run
    this.#stopping = stopping
    this.#loss = makeLoss(run.settings)
    this.#record = new RunRecord(run.folder, run.settings)
    this.#voice = new Voice((event) => this.#record.add(event), tell)
    run.folder.onUnwritten = (message) => this.#voice.warn('not_written', `${message} The run goes on and tries again.`)
    this.#health = new Health(run, this.#voice, this.#loss)
    this.#spikes = new Spikes(run, this.#voice, this.#loss)
    this.#keeping = new Keeping(run, this.#voice, this.#health)
    // Ranks that measure together stop together: after it.
    const ending = run.world.size > 1 ? new AbortController().signal : stopping
    this.#cache = decodedCacheOf(run.settings, (message) => this.#voice.warn('cache', message))
    const encoders = measuredFeatures(run.clip, run.kept, this.#cache)
    this.#canaries = new Canaries(run, this.#voice, ending, encoders)
    this.#measuring = new Measuring(run, this.#voice, this.#loss, this.#canaries, ending, encoders)
    this.#pictures = checkOf(run, this.#cache)
  }

  /** There is to be a checkpoint soon. Of several ranks it is enough to tell one. */
  save(): void {
    this.#asked = true
  }

  async run(): Promise<TrainResult> {
    const { state, settings, folder, resumed } = this.#run
    const isInterrupted = () => state.cursor.epoch < settings.epochs || state.evalPending
    await this.#start()
    const reader = this.#openReader()
    try {
      await this.#checkPictures()
      await this.#canaries.begin()
      await this.#makeGood()
      if (settings.onSpike === 'rewind' && !resumed) await this.#keeping.save()
      await this.#steps(reader)
      if (!isInterrupted()) this.#health.lookBack()
      this.#health.sayCaptionsCut()
      await this.#keeping.finish()
    } catch (error) {
      // Whatever stopped the run, the steps it has done are kept if they can be.
      await this.#settle().catch(() => {})
      await this.#keeping.finish().catch(() => {})
      throw this.#keeping.explain(error)
    } finally {
      await this.#pictures.end()
      await reader.close()
      await this.#cache?.close()
    }
    await this.#record.finishPlots((code, message) => this.#voice.warn(code, message))
    const result = this.#result(isInterrupted())
    this.#voice.say({ type: 'end', result })
    await folder.close()
    return result
  }

  async #start(): Promise<void> {
    const { clip, schedule, state, options, newBest } = this.#run
    const damaged = state.step > 0 ? await this.#record.replay() : []
    if (newBest) this.#record.forgetBest()
    const parameters = clip.parameters().reduce((sum, { shape }) => sum + elementCount(shape), 0)
    const { steps, lr, minLr } = schedule
    const rates = { lr, minLr }
    const { pairs } = state.data
    const { config, device } = clip
    this.#voice.say({ type: 'start', config, parameters, device, pairs, steps, step: state.step, rates, options })
    await this.#health.start(damaged)
  }

  /**
   * Meanwhile the first batch is read. An evaluation that is due at once sees all pictures itself.
   * @throws ClipwrightError ERR_IMAGE: what would end the run at its first evaluation ends it before its first step
   */
  async #checkPictures(): Promise<void> {
    const { state, settings, world } = this.#run
    if (state.evalPending || state.cursor.epoch >= settings.epochs) return
    const own = await this.#pictures.before(settings.checkVal, this.#stopping)
    // Ranks that have less time, or other disks, may see others: none makes a step without the rest.
    const found = (await world.exchange(own ?? null)).find((one) => one !== null)
    if (found != null) {
      const remedy = `repair them, or take them off ${settings.val} (clipwright data check names all)`
      throw new ClipwrightError('ERR_IMAGE', `${found}; ${remedy}`)
    }
    this.#pictures.beside((message) => this.#voice.warn('bad_validation', message))
  }

  #openReader(): BatchReader {
    const { clip, source, positives, settings, state, world, teacher, kept } = this.#run
    const { batchSize, seed, epochs } = settings
    const onBadSample = this.#health.badSample.bind(this.#health)
    const start = { ...state.cursor }
    const knownBad = [...state.badSamples]
    const what = { source, positives, batchSize, seed, epochs, start, knownBad, onBadSample }
    const o = { ...what, world, teacher, kept, cache: this.#cache }
    return new BatchReader(clip, sessionOf(clip, 'train').model.text.contextLength, o, settings)
  }

  async #steps(reader: BatchReader): Promise<void> {
    const { state, settings } = this.#run
    this.#pace.restart()
    while (!(await this.#shallStop())) {
      const asked = performance.now()
      const batch = await reader.next()
      const dataWaitMs = performance.now() - asked
      // What an epoch has beyond its last full batch is dropped, so only the next batch tells that it is over.
      const epoch = batch?.epoch ?? settings.epochs
      if (state.cursor.epoch < epoch) await this.#settle()
      while (state.cursor.epoch < epoch) {
        if (this.#isStopping) return
        await this.#finishEpoch()
      }
      if (!batch || this.#isStopping) break
      await this.#step(batch, dataWaitMs)
    }
    await this.#settle()
  }

  get #isStopping(): boolean {
    return this.#run.world.size > 1 ? this.#halted : this.#stopping.aborted
  }

  /**
   * Whether the run ends here. Ranks ask each other once a step, as signals do not reach all of them at once, and one clock
   * says when there is to be a checkpoint.
   */
  async #shallStop(): Promise<boolean> {
    const { world } = this.#run
    const own = { stop: this.#stopping.aborted, save: this.#asked || this.#keeping.isTime }
    this.#asked = false
    const all = world.size > 1 ? await world.exchange(own) : [own]
    this.#halted ||= all.some(({ stop }) => stop)
    if (all.some(({ save }) => save)) this.#keeping.demand()
    return this.#isStopping
  }

  /** Begins a step. Where the device works beside the host, its results are read after the next one was begun. */
  async #step(batch: ReadyBatch, dataWaitMs: number): Promise<void> {
    const { clip, optimizer, settings, schedule, state } = this.#run
    const step = state.step + (this.#underWay ? 2 : 1)
    const isDue = this.#keeping.begins(step)
    const lr = learningRate(schedule, { step: step - 1, epoch: batch.epoch })
    const { maxGradNorm, checkpointing, seed } = settings
    const { microBatch = settings.microBatch } = state
    const rate = clip.config.vision_cfg.patch_dropout ?? 0
    const patchDropout = rate > 0 ? { rate, seed, step } : undefined
    const { world } = this.#run
    const share =
      world.size > 1 ? { first: world.share(settings.batchSize).first, total: settings.batchSize } : undefined
    const { groups, teacher } = batch
    const images = batch.imageFeatures ?? batch.pixels
    const tokens = batch.textFeatures ?? batch.tokens
    const shape = { microBatch, checkpointing, mayHalve: true }
    const drawn = { patchDropout, dropout: { seed, step } }
    const o = { lr, maxGradNorm, ...shape, ...drawn, teacher, share, statistics: settings.ledger }
    const pairs = { images, tokens, ...(groups && { groups }) }
    const limit = this.#spikes.limit(step)
    const maxLoss = this.#spikes.acts && limit !== undefined ? { maxLoss: limit.limit } : {}
    const results = trainStep(clip, optimizer, pairs, this.#loss, { ...o, ...maxLoss })
    results.catch(() => {}) // a failure belongs to whoever takes the results
    const last = this.#underWay
    this.#underWay = { batch, lr, limit, dataWaitMs, results }
    if (last) await this.#take(last)
    // Where weights may go back, no step may have begun with those before.
    const waits = !sessionOf(clip, 'train').concurrent || settings.onSpike === 'rewind'
    if (waits || isDue) await this.#settle()
  }

  /** Waits until no step is under way. */
  async #settle(): Promise<void> {
    const last = this.#underWay
    this.#underWay = undefined
    if (last) await this.#take(last)
  }

  /** Takes a step's results into the run's state. */
  async #take({ batch, lr, limit, dataWaitMs, results }: BegunStep): Promise<void> {
    const { settings, schedule, state } = this.#run
    const result = await results
    const { loss, logitScale, gradNorm } = result

    state.step++
    state.cursor = batch.next
    this.#pace.count(settings.batchSize, dataWaitMs)
    if (result.statistics) await this.#note(batch, result.statistics)
    const verdict = this.#spikes.look(batch, result, limit)
    this.#health.step(batch, result, verdict)
    batch.release()
    if (verdict === 'rewind') await this.#keeping.rewind()
    this.#spikes.requireOwnLoss()
    if (Number.isFinite(loss)) {
      state.epochLoss.sum += loss
      state.epochLoss.steps++
    }
    if (state.step % settings.logEvery === 0 || state.step === schedule.steps) {
      const { pairsPerSecond, dataWaitShare } = this.#pace
      const { step } = state
      const { epoch } = batch
      const pace = { pairsPerSecond, dataWaitMs, dataWaitShare }
      this.#voice.say({ type: 'step', step, epoch, loss, lr, gradNorm, logitScale, ...pace })
      this.#pace.restart()
    }
    await this.#keeping.watch()
    if (!this.#keeping.isDue(state.step)) return
    await this.#keeping.save()
    this.#pace.restart()
  }

  /** What a step's pairs cost, of all ranks. */
  async #note({ indices }: ReadyBatch, statistics: Float32Array): Promise<void> {
    const { ledger, state, world } = this.#run
    const own = lossesOf(statistics)
    const image = await world.gather(own.image)
    const text = await world.gather(own.text)
    ledger?.note(indices, state.step, image, text)
  }

  async #finishEpoch(): Promise<void> {
    const { state, settings, source } = this.#run
    const { epoch } = state.cursor
    const { sum, steps } = state.epochLoss
    if (state.step === 0) {
      throw new ClipwrightError(
        'ERR_DATA',
        `${source.path}: without its ${state.badSamples.length} bad pictures the list does not fill one batch of ${settings.batchSize}; repair them or lower ${optionName('batchSize', 'batchSize')}.`,
      )
    }
    await this.#health.requireSound()
    const loss = sum / steps
    this.#voice.say({ type: 'epoch', epoch, loss })
    state.lastEpochLoss = loss
    state.epochLoss = { sum: 0, steps: 0 }
    state.cursor = { epoch: epoch + 1, position: 0 }
    this.#keeping.touch()
    if (epoch === 0) this.#health.sayCaptionsCut()
    state.evalPending = this.#measuring.after(epoch) !== undefined
    if (state.evalPending) await this.#measure()
    else await this.#keepEpoch(this.#measuring.bestByLoss(loss))
    await this.#keeping.endEpoch()
    this.#record.refreshPlots()
    this.#pace.restart()
  }

  async #measure(): Promise<void> {
    await this.#pictures.end()
    const { done, best } = await this.#measuring.measure()
    if (done) await this.#keepEpoch(best)
  }

  /** Keeps the weights of an epoch. Should it fail, whoever goes on with the run does it. */
  async #keepEpoch(best?: Best): Promise<void> {
    const { state, clip, folder } = this.#run
    if (best) this.#keeping.noteBest(best)
    state.weightsPending = true
    await folder.requirePlace()
    await this.#record.keepEpoch(clip)
    state.weightsPending = false
  }

  /** Does what the process before was ended before. */
  async #makeGood(): Promise<void> {
    const { state, resumed } = this.#run
    if (resumed) await saveBeside(this.#run)
    await this.#keeping.completeNames()
    if (state.evalPending) {
      await this.#measure()
      await this.#keeping.endEpoch()
    } else if (state.weightsPending) await this.#keepEpoch()
  }

  #result(interrupted: boolean): TrainResult {
    const { state, folder } = this.#run
    const { sum, steps } = state.epochLoss
    const { count, skipped, rewound } = state.spikes
    return {
      steps: state.step,
      epochs: state.cursor.epoch,
      loss: steps > 0 ? sum / steps : state.lastEpochLoss,
      best: { step: state.best?.step ?? 0, rMean: state.best?.rMean ?? Number.NaN },
      spikes: { count, skipped, rewound },
      out: folder.path,
      interrupted,
    }
  }
}
