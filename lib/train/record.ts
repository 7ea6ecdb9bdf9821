/** All that is kept of what a run tells, beside the checkpoints that it goes on from. */
import type { Clip } from '../clip/clip.js'
import { EpochFiles } from './epoch-files.js'
import { EpochWeights } from './epoch-weights.js'
import type { TrainEvent, TrainWarning } from './events.js'
import type { Settings } from './options/options.js'
import type { RunFolder } from './run-folder.js'
import { RunPlots } from './run-plots.js'

export class RunRecord {
  readonly #folder: RunFolder
  readonly #plots: RunPlots
  readonly #weights: EpochWeights
  readonly #files: EpochFiles

  constructor(folder: RunFolder, settings: Settings) {
    this.#folder = folder
    this.#plots = new RunPlots(folder)
    this.#weights = new EpochWeights(folder, settings)
    this.#files = new EpochFiles(folder)
  }

  add(event: TrainEvent): void {
    this.#folder.log(event)
    this.#files.add(event)
    this.#remember(event)
  }

  /**
   * Of a run that goes on: its files have all this.
   * @returns the numbers of the log's lines that cannot be read
   * @throws ClipwrightError ERR_IO
   */
  async replay(): Promise<number[]> {
    const { events, damaged } = await this.#folder.readLog()
    for (const event of events) this.#remember(event as TrainEvent)
    return damaged
  }

  /** What was best so far counts no more. */
  forgetBest(): void {
    this.#weights.forgetBest()
  }

  #remember(event: TrainEvent): void {
    this.#plots.add(event)
    this.#weights.add(event)
  }

  /** The end of an epoch whose losses have all been told. No step may run meanwhile. @throws ClipwrightError ERR_IO */
  async keepEpoch(clip: Clip): Promise<void> {
    if (this.#folder.writes) await this.#weights.keep(clip)
  }

  /** Draws the curves in the background. */
  refreshPlots(): void {
    if (this.#folder.writes) this.#plots.refresh()
  }

  /** The last drawing. @param warn plots must not fail a run */
  async finishPlots(warn: (code: TrainWarning, message: string) => void): Promise<void> {
    if (!this.#folder.writes) return
    const failure = await this.#plots.finish()
    if (failure) warn('plot', `the run's curves could not be drawn: ${(failure as Error).message}`)
    const { hasFonts, NO_FONTS } = await import('../report/svg.js')
    if (!failure && !(await hasFonts())) warn('plot', NO_FONTS)
  }
}
