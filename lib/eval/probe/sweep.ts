/**
 * The regularisation of a linear probe as CLIP's authors choose it (https://arxiv.org/abs/2103.00020, appendix A.3): in
 * 96 steps from 1e-6 to 1e6, eight a decade, by a binary search that begins with every second decade and halves the
 * distance around the peak.
 */

/** Of the grid, whose value i is 10^(i/8 − 6). */
const STEPS_PER_DECADE = 8
const LAST = 12 * STEPS_PER_DECADE
const COARSEST = 2 * STEPS_PER_DECADE

export type Tried<T> = { l2: number; score: number; result: T }

/**
 * @param measure the score of a value, the higher the better; called once for each value, the larger ones first
 * @returns the best; of equal scores the largest l2. All that was tried, the smallest l2 first
 */
export async function sweepL2<T>(
  measure: (l2: number) => Promise<{ score: number; result: T }>,
): Promise<{ best: Tried<T>; tried: Tried<T>[] }> {
  const known = new Map<number, Tried<T>>()
  const tryAt = async (i: number) => {
    if (i < 0 || i > LAST || known.has(i)) return
    const l2 = 10 ** (i / STEPS_PER_DECADE - 6)
    known.set(i, { l2, ...(await measure(l2)) })
  }
  for (let i = LAST; i >= 0; i -= COARSEST) await tryAt(i)
  for (let step = COARSEST / 2; step >= 1; step /= 2) {
    const peak = bestOf(known)
    await tryAt(peak + step)
    await tryAt(peak - step)
  }
  const tried = [...known].sort(([a], [b]) => a - b).map(([, one]) => one)
  return { best: known.get(bestOf(known))!, tried }
}

function bestOf<T>(known: ReadonlyMap<number, Tried<T>>): number {
  let best = -1
  for (const [i, { score }] of known) {
    const most = known.get(best)?.score ?? Number.NEGATIVE_INFINITY
    if (score > most || (score === most && i > best)) best = i
  }
  return best
}
