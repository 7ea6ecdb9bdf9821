/** When a run is saved, and as what. */
import { ClipwrightError } from '../base/errors.js'
import { type Interval, intervalOf } from '../base/interval.js'
import { optionName } from '../base/option-names.js'
import type { SpareArrays } from '../base/spare-arrays.js'
import { callNative, native } from '../native/addon.js'
import { beginSaveBeside, saveBeside } from './beside.js'
import { BEST, beginSave, keepLastAs, LAST, REWIND, removeOldSteps, stepName } from './checkpoints.js'
import { CopyRoom } from './copy-room.js'
import { Diverged, type Health } from './health.js'
import { Displaced } from './place.js'
import type { PreparedRun } from './prepare.js'
import { rewind } from './rewind.js'
import type { TrainingState } from './state.js'
import type { Voice } from './voice.js'

const WATCH_MS = 1000

/** A checkpoint on its way to the disk. `beside`: what follows it; `again`: both once more, of what was copied. */
type Begun = { last: Promise<string>; beside: () => Promise<void>; again?: () => Begun }

export class Keeping {
  readonly #run: PreparedRun
  readonly #voice: Voice
  readonly #health: Health
  readonly #room: CopyRoom
  /** The step that `last` holds or is to hold, unless the state changed otherwise since. */
  #saved: number | undefined
  readonly #every: Interval
  #since = performance.now()
  #demanded = false
  #due: number | undefined
  #watched = performance.now()
  /** The step that `last` holds, if there is one. */
  #last: number | undefined
  /** A checkpoint that is on its way to the disk. */
  #writing: Promise<void> | undefined
  /** One that did not get there, and whether that was told. */
  #failure: { error: unknown; taken: TrainingState; begun: Begun; told?: boolean } | undefined

  constructor(run: PreparedRun, voice: Voice, health: Health) {
    this.#run = run
    this.#voice = voice
    this.#health = health
    this.#room = new CopyRoom(run, voice)
    this.#every = intervalOf(run.settings.saveEvery ?? 0) ?? {}
    this.#last = run.resumed ? run.state.step : undefined
  }

  /** Whether so much time has passed since the last checkpoint that `saveEvery` asks for another: by the clock of who writes. */
  get isTime(): boolean {
    return this.#run.folder.writes && this.#every.ms !== undefined && performance.now() - this.#since >= this.#every.ms
  }

  /** There is to be a checkpoint after the step that is begun next. */
  demand(): void {
    this.#demanded = true
  }

  /** A step is begun. @returns `isDue` */
  begins(step: number): boolean {
    if (this.#demanded) this.#due = step
    this.#demanded = false
    return this.isDue(step)
  }

  /** Whether there is to be a checkpoint after this step. */
  isDue(step: number): boolean {
    return this.#due === step || (this.#every.steps !== undefined && step % this.#every.steps === 0)
  }

  /** The state changed though no step was made. */
  touch(): void {
    this.#saved = undefined
  }

  /**
   * Notices what went wrong beside the steps, and once a second at most whether the folder is where it was.
   * @throws ClipwrightError ERR_IO, Diverged of a checkpoint that was on its way; Displaced
   */
  async watch(): Promise<void> {
    this.#requireWritten()
    if (performance.now() - this.#watched < WATCH_MS) return
    this.#watched = performance.now()
    await this.#run.folder.requirePlace()
  }

  /**
   * Saves the run as it is now, unless that is in doubt. No step may be under way. Steps may follow at once where there is
   * memory for a copy, which is written beside them; one at a time.
   * @returns whether it did
   * @throws ClipwrightError ERR_IO; Diverged
   */
  async save({ ends = false } = {}): Promise<boolean> {
    await this.#writing
    this.#requireWritten()
    this.#since = performance.now()
    const { folder, state, settings } = this.#run
    await folder.requirePlace()
    const into = ends || !folder.writes ? undefined : await this.#room.arrays()
    // Ranks have the same weights, and the one that writes them looks at them.
    await (into || !folder.writes ? this.#health.requireSoundFeatures() : this.#health.requireSound())
    if (this.#health.doubt !== undefined) {
      this.#voice.warn('not_saved', `no checkpoint is made after step ${state.step}, because ${this.#health.doubt}.`)
      return false
    }
    // Part of the state, so that a process which ends between here and there leaves it to the next one.
    if (settings.keep > 0) this.#alsoAs(stepName(state.step))
    if (settings.onSpike === 'rewind' && !ends) this.#alsoAs(REWIND)
    const { kept } = this.#run
    await kept?.save((message) => this.#voice.warn('feature_cache', message))
    state.features = kept?.counts ?? {}
    state.lengths = folder.lengths()
    const taken = structuredClone(state)
    state.alsoAs = []
    this.#saved = state.step
    const begun = await this.#begin(taken, into)
    const writing = this.#finishSave(taken, begun).catch(async (error: unknown) => {
      // Of a folder that was moved meanwhile its place is what is wrong.
      const cause = await folder.requirePlace().then(
        () => error,
        (displaced: unknown) => displaced,
      )
      this.#failure = { error: cause, taken, begun }
    })
    this.#writing = writing.finally(() => {
      this.#writing = undefined
    })
    if (into) return true
    await this.#writing
    this.#requireWritten()
    return true
  }

  /** From when this resolves on, steps may follow where there is something to copy into. */
  async #begin(taken: TrainingState, into: SpareArrays | undefined): Promise<Begun> {
    const { folder } = this.#run
    if (!folder.writes) return { last: Promise.resolve(folder.checkpoint(LAST)), beside: async () => {} }
    const copied = into && { into, inspect: this.#health.inspect.bind(this.#health) }
    const model = await beginSave(this.#run, taken, copied)
    const last = model.saved
    last.catch(() => {}) // reported by whoever waits for it
    if (!copied) return { last, beside: () => saveBeside(this.#run, taken) }
    const others = await beginSaveBeside(this.#run, taken, { ...copied, after: last })
    return { last, beside: () => others.saved, again: () => ({ last: model.again(), beside: () => others.again() }) }
  }

  async #finishSave({ step, alsoAs }: TrainingState, { last, beside }: Begun): Promise<void> {
    const path = await last
    this.#last = step
    this.#voice.say({ type: 'checkpoint', step, path })
    await beside()
    await this.#giveNames(step, alsoAs)
    // Decoders and measurements leave much behind that is free, in an arena for each of many threads.
    await callNative(() => native().returnMemory())
  }

  #requireWritten(): void {
    if (!this.#failure || this.#failure.told) return
    this.#failure.told = true
    throw this.#failure.error
  }

  /**
   * Once more, where steps followed: what it was to be besides `last`, nothing else will ever be.
   * @throws as `save`
   */
  async #writeAgain(): Promise<void> {
    const failure = this.#failure
    this.#failure = undefined
    if (!failure) return
    const { taken, begun } = failure
    const { state } = this.#run
    if (state.step === taken.step) {
      for (const name of taken.alsoAs) this.#alsoAs(name)
      this.#saved = undefined
    } else if (begun.again) await this.#finishSave(taken, begun.again())
  }

  /** Gives `last` the other names that it was saved for. @throws ClipwrightError ERR_IO */
  async completeNames(): Promise<void> {
    const { state } = this.#run
    await this.#giveNames(state.step, state.alsoAs)
    state.alsoAs = []
  }

  async #giveNames(step: number, names: readonly string[]): Promise<void> {
    const { folder, settings } = this.#run
    if (names.length === 0) return
    await folder.requirePlace()
    for (const name of folder.writes ? names : []) {
      const path = await keepLastAs(folder, name)
      if (name === BEST) this.#voice.say({ type: 'checkpoint', step, path })
    }
    if (settings.keep > 0 && folder.writes) await removeOldSteps(folder, settings.keep)
  }

  #alsoAs(name: string): void {
    const { alsoAs } = this.#run.state
    if (!alsoAs.includes(name)) alsoAs.push(name)
  }

  /** The last save of a run: it leaves nothing in doubt. @throws ClipwrightError ERR_IO; Diverged */
  async finish(): Promise<void> {
    await this.#writing
    await this.#writeAgain()
    if (this.#saved === this.#run.state.step) return this.completeNames()
    if (await this.save({ ends: true })) return
    throw new Diverged(`the run ended with a step that may not be saved: ${this.#health.doubt}`)
  }

  /** Goes back to where `onSpike` says. @throws ClipwrightError ERR_IO of a checkpoint that was on its way */
  async rewind(): Promise<void> {
    await this.#writing
    this.#requireWritten()
    // All ranks read what one of them wrote.
    await this.#run.world.exchange('written')
    const step = await rewind(this.#run)
    this.touch()
    this.#voice.warn(
      'rewound',
      `the weights are those after step ${step} again; the data go on behind step ${this.#run.state.step}.`,
    )
  }

  /** The end of an epoch is saved when it is the best one, or where `saveEvery` does not say when to save. */
  async endEpoch(): Promise<void> {
    const { settings, state } = this.#run
    const isDue = settings.saveEvery === undefined || state.alsoAs.includes(BEST)
    if (isDue && this.#saved !== state.step) await this.save()
  }

  /** The next save, before which no step may be made, is the best so far: from now on whatever interrupts. */
  noteBest(best: { step: number; rMean: number; loss: number }): void {
    if (this.#health.doubt !== undefined) return
    this.#run.state.best = best
    this.#alsoAs(BEST)
  }

  /** What ended a run, for the user: what has diverged is told where it was sound. */
  explain(error: unknown): unknown {
    const { clip, folder, state } = this.#run
    if (error instanceof Displaced) {
      const end =
        error.to !== undefined && this.#saved === state.step
          ? `it was saved there after step ${state.step}; go on with resume ${error.to}`
          : 'nothing was saved since; put the folder back to resume, or start again'
      return new ClipwrightError('ERR_IO', `train: ${error.message}, so the run was stopped; ${end}.`, { cause: error })
    }
    if (!(error instanceof Diverged)) return this.#withWayOn(error)
    const remedy = clip.precision === 'fp16' ? "with precision 'bf16' or 'fp32'" : 'with a lower learning rate'
    const good =
      this.#last === undefined
        ? `no checkpoint was saved before; start again ${remedy}`
        : `nothing was saved since; the last good checkpoint is ${folder.checkpoint(LAST)}, of step ${this.#last}: resume ${remedy}`
    return new ClipwrightError('ERR_UNSUPPORTED', `train: ${error.message}; ${good}.`, { cause: error })
  }

  /** What ended an evaluation, or the run before its first step, is mended somewhere else: nothing is lost then. */
  #withWayOn(error: unknown): unknown {
    const { folder, state } = this.#run
    const { step, evalPending } = state
    const isSaved = this.#saved === step && this.#last === step
    if (!(error instanceof ClipwrightError) || !isSaved || !(evalPending || step === 0)) return error
    const when = evalPending ? `the evaluation after step ${step} failed` : 'the run ended before its first step'
    const way = `the run was saved after step ${step}; once that is mended, go on with ${optionName('resume', 'resume')} ${folder.path}.`
    const { code, keys } = error
    const message = `train: ${when}: ${error.message.replace(/\.$/, '')}; ${way}`
    return new ClipwrightError(code, message, { cause: error, ...(keys && { keys }) })
  }
}
