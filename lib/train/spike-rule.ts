/** When a loss has jumped: a rule that a few bad steps do not move. */

/** Losses that it looks back on, and how many there must be. */
export const WINDOW = 128
const LEAST = 32
/**
 * A loss is far off by so many median absolute deviations from the median, each times 1.4826, which makes them standard deviations
 * where losses are normal (Leys et al. 2013, https://doi.org/10.1016/j.jesp.2013.03.013, who take 2.5 to 3 for a look at one
 * sample; a run looks a hundred thousand times, at losses with a long tail).
 */
const DEVIATIONS = 10
const NORMAL = 1.4826
/** Losses that hardly differ make any step a jump: it must also be so much of what guessing costs, ln n for n pairs. */
const SHARE_OF_GUESSING = 0.1

/**
 * What becomes of a step: `learned` from, also where only `told` that its loss jumped; `skipped`, because it jumped; or the weights go
 * back. What is not finite was not learned from anyway, and is left to who looks at that.
 */
export type Verdict = 'learned' | 'told' | 'skipped' | 'rewind' | 'not finite'

export type Limit = { limit: number; median: number }

/**
 * The highest loss that is no jump after these, in f32 as cores compare; undefined while there are too few.
 * @param guessing the loss of a model that only guesses
 */
export function limitAfter(losses: readonly number[], guessing: number): Limit | undefined {
  if (losses.length < LEAST) return undefined
  const middle = median(losses)
  const deviation = median(losses.map((loss) => Math.abs(loss - middle)))
  const margin = Math.max(DEVIATIONS * NORMAL * deviation, SHARE_OF_GUESSING * guessing)
  return { limit: Math.fround(middle + margin), median: middle }
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const half = sorted.length >> 1
  return sorted.length % 2 ? sorted[half]! : (sorted[half - 1]! + sorted[half]!) / 2
}
