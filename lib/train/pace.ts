/** How fast a run goes, by its steps alone, without evaluations and checkpoints. */
export class Pace {
  #since = performance.now()
  #pairs = 0
  #waitMs = 0

  /** A step that is done. @param waitMs how long it waited for its pairs */
  count(pairs: number, waitMs: number): void {
    this.#pairs += pairs
    this.#waitMs += waitMs
  }

  /** Since the clock was started. */
  get pairsPerSecond(): number {
    return (this.#pairs * 1000) / (performance.now() - this.#since)
  }

  /** Of the time since the clock was started: in which steps waited for data, 0 to 1. */
  get dataWaitShare(): number {
    return Math.min(1, this.#waitMs / (performance.now() - this.#since))
  }

  /** Starts the clock anew: after it was read, and after what is no step. */
  restart(): void {
    this.#since = performance.now()
    this.#pairs = this.#waitMs = 0
  }
}
