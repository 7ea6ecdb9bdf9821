/** What a model must not forget: lists and folders of classes that are measured before the first step and with each evaluation. */

import { optionName } from '../base/option-names.js'
import { shorten } from '../base/shorten.js'
import type { Clip } from '../clip/clip.js'
import { type Encoders, encodeShared } from '../clip/encode-shared.js'
import { rankSet } from '../eval/rank.js'
import { evaluateZeroShotBy } from '../eval/zero-shot/evaluate-zero-shot.js'
import type { Canary } from './canary-list.js'
import type { CanaryMeasure } from './events.js'
import type { PreparedRun } from './prepare.js'
import type { Voice } from './voice.js'

const changed = (path: string, step: number) =>
  `the run had no canary list with what ${shorten(path)} holds now, so that what it measures after step ${step} is what later figures are compared with.`

type Reading = { canary: Canary; value: number }

const NAMES: Record<CanaryMeasure, string> = { r_mean: 'mean recall', top1: 'top-1 accuracy' }

export class Canaries {
  readonly #run: PreparedRun
  readonly #voice: Voice
  readonly #stopping: AbortSignal
  readonly #encoders: Encoders

  constructor(run: PreparedRun, voice: Voice, stopping: AbortSignal, encoders: Encoders) {
    this.#run = run
    this.#voice = voice
    this.#stopping = stopping
    this.#encoders = encoders
  }

  /** Measures what later figures are compared with, unless the run has that already. A stop leaves it to who goes on. */
  async begin(): Promise<void> {
    const { state, canaries, resumed } = this.#run
    const fresh = canaries.filter(({ print }) => !(print in state.canaries))
    if (fresh.length === 0) return
    if (resumed && state.step > 0)
      for (const { path } of fresh) this.#voice.warn('validation_changed', changed(path, state.step))
    try {
      const readings = await this.#read(fresh)
      for (const { canary, value } of readings) state.canaries[canary.print] = { start: value, low: false }
      this.tell(readings)
    } catch (error) {
      if (!this.#stopping.aborted) throw error
    }
  }

  /** @throws ClipwrightError as `evaluate` and `evaluateZeroShot`; `signal.reason` when the run is stopped meanwhile */
  measure(): Promise<Reading[]> {
    return this.#read(this.#run.canaries)
  }

  /** Says what came out, and warns of a list that has fallen too far, once until it has recovered. */
  tell(readings: readonly Reading[]): void {
    const { state, settings } = this.#run
    const { step } = state
    for (const { canary, value } of readings) {
      const { path: list, measure, print } = canary
      const known = state.canaries[print]
      // One that could not be measured before the run began to change the weights.
      if (known === undefined) continue
      const { start, low } = known
      this.#voice.say({ type: 'canary', step, list, measure, value, start })
      known.low = value < start * (1 - settings.canaryDrop)
      if (known.low && !low) this.#warn(canary, value, start)
    }
  }

  #warn({ path, measure }: Canary, value: number, start: number): void {
    const fall = ((100 * (start - value)) / start).toFixed(0)
    const message = `the model forgets what it knew: on ${shorten(path)} its ${NAMES[measure]} is ${value.toFixed(2)} %, ${fall} % less than the ${start.toFixed(2)} % at the start; a lower ${optionName('lr', 'lr')}, locks, adapters, or interpolation with the model before help (docs/guides/fine-tuning.md).`
    this.#voice.warn('forgetting', message)
  }

  async #read(canaries: readonly Canary[]): Promise<Reading[]> {
    const { clip, optimizer } = this.#run
    if (canaries.length === 0) return []
    return optimizer.withAverages(async () => {
      const readings: Reading[] = []
      for (const canary of canaries) readings.push({ canary, value: await this.#value(clip, canary) })
      return readings
    })
  }

  async #value(clip: Clip, { path, set }: Canary): Promise<number> {
    const { settings, world } = this.#run
    const o = { batchSize: settings.batchSize, signal: this.#stopping }
    const encoders = this.#encoders
    if (set) return (await rankSet(clip, set, { ...o, world, encoders, name: 'the model' })).recall.r_mean
    const shared = (model: Clip) => encodeShared(model, world, 1, encoders)
    return (await evaluateZeroShotBy(shared, clip, path, o)).top1
  }
}
