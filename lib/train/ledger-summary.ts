/** What a ledger says about its run's data. */
import type { Recorded } from './ledger.js'

/** A sample of a run, by its number in the data, and what it cost. */
export type LedgerEntry = {
  sample: number
  seen: number
  lastStep: number
  /** Means over all times that it was seen, in nats. */
  imageLoss: number
  textLoss: number
}

/** What a ledger says about all samples. */
export type LedgerSummary = {
  /** Samples that were looked at: all, or every so many one of very large data. */
  samples: number
  seen: number
  never: number
  /** The numbers of the first of those that were never seen. */
  neverSeen: number[]
  /** Mean of both losses over all that were seen. */
  loss: number
  /** What guessing costs: ln of the batch size. */
  guessing: number
  /** The highest losses first. */
  hardest: LedgerEntry[]
  /**
   * Of both halves of these others fit better, on the average: seen at least twice, and with losses above that of guessing, which says
   * that the pair's own similarity is below the others' (the logarithm of their mean exponential). The farthest above first.
   */
  suspects: LedgerEntry[]
  suspectCount: number
  /** How many samples have a mean loss in each part of 0 .. highest, of equal widths. */
  histogram: { width: number; counts: number[] }
}

const BINS = 24

/** @param top entries of each list at most */
export function summarize({ rows, stride, batchSize }: Recorded, top: number): LedgerSummary {
  const guessing = Math.log(batchSize)
  const entry = (at: number): LedgerEntry => ({
    sample: at * stride,
    seen: rows.seen[at]!,
    lastStep: rows.last_step[at]!,
    imageLoss: rows.image_mean[at]!,
    textLoss: rows.text_mean[at]!,
  })
  const mean = (at: number) => (rows.image_mean[at]! + rows.text_mean[at]!) / 2
  const above = (at: number) => Math.min(rows.image_mean[at]!, rows.text_mean[at]!) - guessing
  const all = Array.from(rows.seen.keys())
  const seen = all.filter((at) => rows.seen[at]! > 0)
  const suspects = seen.filter((at) => rows.seen[at]! > 1 && above(at) > 0)
  const never = all.filter((at) => rows.seen[at] === 0)
  const first = (list: number[], by: (at: number) => number) =>
    [...list]
      .sort((a, b) => by(b) - by(a) || a - b)
      .slice(0, top)
      .map(entry)
  return {
    samples: all.length,
    seen: seen.length,
    never: never.length,
    neverSeen: never.slice(0, top).map((at) => at * stride),
    loss: seen.reduce((sum, at) => sum + mean(at), 0) / seen.length,
    guessing,
    hardest: first(seen, mean),
    suspects: first(suspects, above),
    suspectCount: suspects.length,
    histogram: histogramOf(seen.map(mean)),
  }
}

function histogramOf(values: readonly number[]): LedgerSummary['histogram'] {
  const highest = values.reduce((a, b) => Math.max(a, b), 0)
  const width = highest > 0 ? highest / BINS : 1
  const counts = new Array<number>(BINS).fill(0)
  for (const value of values) counts[Math.min(BINS - 1, Math.max(0, Math.floor(value / width)))]!++
  return { width, counts }
}
