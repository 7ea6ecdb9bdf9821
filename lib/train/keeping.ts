/** When a run is saved, and as what. */
import { ClipwrightError } from '../base/errors.js'
import { saveBeside } from './beside.js'
import { BEST, keepLastAs, LAST, removeOldSteps, saveLast, stepName } from './checkpoints.js'
import { Diverged, type Health } from './health.js'
import { Displaced } from './place.js'
import type { PreparedRun } from './prepare.js'
import type { Voice } from './voice.js'

const WATCH_MS = 1000

export class Keeping {
  readonly #run: PreparedRun
  readonly #voice: Voice
  readonly #health: Health
  /** The step that `last` holds, unless the state changed otherwise since. */
  #saved: number | undefined
  #watched = performance.now()
  /** The step that `last` holds, if there is one. */
  #last: number | undefined

  constructor(run: PreparedRun, voice: Voice, health: Health) {
    this.#run = run
    this.#voice = voice
    this.#health = health
    this.#last = run.resumed ? run.state.step : undefined
  }

  /** Whether `saveEvery` asks for a checkpoint after this step. */
  isDue(step: number): boolean {
    const { saveEvery } = this.#run.settings
    return saveEvery !== undefined && step % saveEvery === 0
  }

  /** The state changed though no step was made. */
  touch(): void {
    this.#saved = undefined
  }

  /** Notices once a second at most whether the folder is where it was. @throws Displaced */
  async watchPlace(): Promise<void> {
    if (performance.now() - this.#watched < WATCH_MS) return
    this.#watched = performance.now()
    await this.#run.folder.requirePlace()
  }

  /**
   * Saves the run as it is now, unless that is in doubt. No step may be under way.
   * @returns whether it did
   * @throws ClipwrightError ERR_IO; Diverged
   */
  async save(): Promise<boolean> {
    const { folder, clip, optimizer, state, settings } = this.#run
    await folder.requirePlace()
    await this.#health.requireSound()
    if (this.#health.doubt !== undefined) {
      this.#voice.warn('not_saved', `no checkpoint is made after step ${state.step}, because ${this.#health.doubt}.`)
      return false
    }
    // Part of the state, so that a process which ends between here and there leaves it to the next one.
    if (settings.keep > 0) this.#alsoAs(stepName(state.step))
    const { kept } = this.#run
    await kept?.save((message) => this.#voice.warn('feature_cache', message))
    state.features = kept?.counts ?? {}
    state.lengths = await folder.flush()
    const path = folder.writes ? await saveLast(folder, clip, optimizer, state) : folder.checkpoint(LAST)
    this.#last = state.step
    this.#saved = state.step
    this.#voice.say({ type: 'checkpoint', step: state.step, path })
    await saveBeside(this.#run)
    await this.completeNames()
    return true
  }

  /** Gives `last` the other names that it was saved for. @throws ClipwrightError ERR_IO */
  async completeNames(): Promise<void> {
    const { folder, state, settings } = this.#run
    if (state.alsoAs.length === 0) return
    await folder.requirePlace()
    for (const name of folder.writes ? state.alsoAs : []) {
      const path = await keepLastAs(folder, name)
      if (name === BEST) this.#voice.say({ type: 'checkpoint', step: state.step, path })
    }
    state.alsoAs = []
    if (settings.keep > 0 && folder.writes) await removeOldSteps(folder, settings.keep)
  }

  #alsoAs(name: string): void {
    const { alsoAs } = this.#run.state
    if (!alsoAs.includes(name)) alsoAs.push(name)
  }

  /** The last save of a run: it leaves nothing in doubt. @throws ClipwrightError ERR_IO; Diverged */
  async finish(): Promise<void> {
    if (this.#saved === this.#run.state.step) return this.completeNames()
    if (await this.save()) return
    throw new Diverged(`the run ended with a step that may not be saved: ${this.#health.doubt}`)
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
    if (!(error instanceof Diverged)) return error
    const remedy = clip.precision === 'fp16' ? "with precision 'bf16' or 'fp32'" : 'with a lower learning rate'
    const good =
      this.#last === undefined
        ? `no checkpoint was saved before; start again ${remedy}`
        : `nothing was saved since; the last good checkpoint is ${folder.checkpoint(LAST)}, of step ${this.#last}: resume ${remedy}`
    return new ClipwrightError('ERR_UNSUPPORTED', `train: ${error.message}; ${good}.`, { cause: error })
  }
}
