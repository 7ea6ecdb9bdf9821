/** Figures of a classification, in percent. */
import { setImmediate as nextTurn } from 'node:timers/promises'
import { Draws, Stream } from '../../base/random.js'
import { type Bootstrap, boundsOf } from '../bootstrap.js'

/** How much of a classification is right, in percent. */
export type Accuracy = {
  /** Share of the pictures whose own class ranks first, and among the first five. */
  top1: number
  top5: number
  /** Mean over classes of the share of each class's pictures whose own class ranks first. */
  meanPerClass: number
}

/** For each figure the bounds that 95 % of the drawn sets keep to. */
export type AccuracyInterval = { [figure in keyof Accuracy]: [low: number, high: number] }

const FIGURES = ['top1', 'top5', 'meanPerClass'] as const

/** Pictures drawn before the event loop has its turn. */
const TURN = 1 << 14

/** Counts of one class. */
const [ASKED, TOP1, TOP5, WIDTH] = [0, 1, 2, 3]

/** @param rank of each picture's own class, from 0 */
export function accuracy(rank: Int32Array, classOf: Int32Array, classes: number): Accuracy {
  const tally = new Int32Array(classes * WIDTH)
  for (let i = 0; i < rank.length; i++) count(tally, rank[i]!, classOf[i]!)
  return figures(tally)
}

function count(tally: Int32Array, rank: number, own: number): void {
  tally[own * WIDTH + ASKED]!++
  if (rank < 1) tally[own * WIDTH + TOP1]!++
  if (rank < 5) tally[own * WIDTH + TOP5]!++
}

/** Classes without pictures, which a drawn set may have, are no part of the mean. */
function figures(tally: Int32Array): Accuracy {
  let [asked, top1, top5, sum, present] = [0, 0, 0, 0, 0]
  for (let at = 0; at < tally.length; at += WIDTH) {
    if (tally[at + ASKED] === 0) continue
    asked += tally[at + ASKED]!
    top1 += tally[at + TOP1]!
    top5 += tally[at + TOP5]!
    sum += tally[at + TOP1]! / tally[at + ASKED]!
    present++
  }
  return { top1: (100 * top1) / asked, top5: (100 * top5) / asked, meanPerClass: (100 * sum) / present }
}

/** Pictures are drawn with replacement, as for recall: see `bootstrapRecall`. */
export async function accuracyInterval(
  rank: Int32Array,
  classOf: Int32Array,
  classes: number,
  { samples, seed }: Required<Bootstrap>,
): Promise<AccuracyInterval> {
  const drawn: Accuracy[] = []
  for (let sample = 0; sample < samples; sample++) {
    const draws = new Draws(seed, Stream.bootstrap, 0, sample)
    const tally = new Int32Array(classes * WIDTH)
    for (let i = 0; i < rank.length; i++) {
      const picture = draws.below(rank.length)
      count(tally, rank[picture]!, classOf[picture]!)
      if (i % TURN === TURN - 1) await nextTurn()
    }
    drawn.push(figures(tally))
    if (sample % 16 === 15) await nextTurn()
  }
  const bounds = FIGURES.map((figure) => [figure, boundsOf(drawn.map((one) => one[figure]))])
  return Object.fromEntries(bounds)
}
