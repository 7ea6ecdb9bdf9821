/** How fast a run goes: pairs per second of its steps alone, without evaluations and checkpoints. */
export class Pace {
  #since = performance.now()
  #pairs = 0

  /** Pairs of a step that is done. */
  count(pairs: number): void {
    this.#pairs += pairs
  }

  /** Since the clock was started. */
  get pairsPerSecond(): number {
    return (this.#pairs * 1000) / (performance.now() - this.#since)
  }

  /** Starts the clock anew: after it was read, and after what is no step. */
  restart(): void {
    this.#since = performance.now()
    this.#pairs = 0
  }
}
