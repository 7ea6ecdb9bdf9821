/** What a run tells: each event goes into its record and to whoever listens. */
import type { TrainEvent, TrainWarning } from './events.js'

export class Voice {
  readonly #listeners: readonly ((event: TrainEvent) => void)[]

  constructor(...listeners: ((event: TrainEvent) => void)[]) {
    this.#listeners = listeners
  }

  say(event: TrainEvent): void {
    for (const listener of this.#listeners) listener(event)
  }

  warn(code: TrainWarning, message: string): void {
    this.say({ type: 'warning', code, message })
  }
}
