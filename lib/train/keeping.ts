/** When a run is saved, and as what. */
import { BEST, keepLastAs, keepStep, saveLast } from './checkpoints.js'
import type { PreparedRun } from './prepare.js'
import type { Voice } from './voice.js'

export class Keeping {
  readonly #run: PreparedRun
  readonly #voice: Voice
  /** The step that `last` holds, unless the state changed otherwise since. */
  #saved: number | undefined

  constructor(run: PreparedRun, voice: Voice) {
    this.#run = run
    this.#voice = voice
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

  /** Saves the run as it is now. No step may be under way. @throws ClipwrightError ERR_IO */
  async save(): Promise<void> {
    const { folder, clip, optimizer, state, settings } = this.#run
    state.lengths = await folder.flush()
    const path = await saveLast(folder, clip, optimizer, state)
    await keepStep(folder, state.step, settings.keep)
    this.#saved = state.step
    this.#voice.say({ type: 'checkpoint', step: state.step, path })
  }

  /** The same, unless `last` is what the run is now. */
  async saveWhatIsNew(): Promise<void> {
    if (this.#saved !== this.#run.state.step) await this.save()
  }

  /** The end of an epoch is saved where `saveEvery` does not say when to save. */
  async endEpoch(): Promise<void> {
    if (this.#run.settings.saveEvery === undefined) await this.saveWhatIsNew()
  }

  /** Saves the run as it is now, which is better than it ever was. */
  async saveBest(best: { step: number; rMean: number; loss: number }): Promise<void> {
    this.#run.state.best = best
    await this.save()
    const path = await keepLastAs(this.#run.folder, BEST)
    this.#voice.say({ type: 'checkpoint', step: best.step, path })
  }
}
