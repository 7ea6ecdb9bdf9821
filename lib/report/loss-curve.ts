/** Losses of a run of any length in as many points as a plot can show. */

/** Of one step or of several that follow each other: their mean, and how far they spread. NaN where none was finite. */
export type LossPoint = {
  /** The last of them. */
  step: number
  loss: number
  low: number
  high: number
}

type Bucket = { step: number; steps: number; sum: number; finite: number; low: number; high: number }

/** More cannot be told apart: a plot is 1440 pixels wide. */
const MAX_POINTS = 2048

/**
 * All points stand for equally many steps. When there are too many points, neighbours become one, which keeps their
 * lowest and highest loss: no peak is lost, however long the run.
 */
export class LossCurve {
  #buckets: Bucket[] = []
  #stepsEach = 1

  add({ step, loss }: { step: number; loss: number }): void {
    let last = this.#buckets.at(-1)
    if (!last || last.steps === this.#stepsEach) {
      if (this.#buckets.length === MAX_POINTS) this.#halve()
      last = { step, steps: 0, sum: 0, finite: 0, low: Number.POSITIVE_INFINITY, high: Number.NEGATIVE_INFINITY }
      this.#buckets.push(last)
    }
    last.step = step
    last.steps++
    if (!Number.isFinite(loss)) return
    last.sum += loss
    last.finite++
    last.low = Math.min(last.low, loss)
    last.high = Math.max(last.high, loss)
  }

  get points(): LossPoint[] {
    return this.#buckets.map(({ step, sum, finite, low, high }) =>
      finite > 0 ? { step, loss: sum / finite, low, high } : { step, loss: NaN, low: NaN, high: NaN },
    )
  }

  #halve(): void {
    this.#stepsEach *= 2
    this.#buckets = this.#buckets.flatMap((a, i) => {
      if (i % 2 === 1) return []
      const b = this.#buckets[i + 1]!
      return {
        step: b.step,
        steps: a.steps + b.steps,
        sum: a.sum + b.sum,
        finite: a.finite + b.finite,
        low: Math.min(a.low, b.low),
        high: Math.max(a.high, b.high),
      }
    })
  }
}
