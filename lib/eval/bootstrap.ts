/** How far recall would scatter over other sets of pictures: the percentile bootstrap (Efron and Tibshirani, 1993). */
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { NativeRanks } from '../native.js'
import { Draws, Stream } from '../random.js'
import { type RecallTable, withMeans } from './metrics.js'
import type { Relevance } from './relevance.js'

/** Asks `evaluateRetrieval` for intervals. */
export type Bootstrap = {
  /** Sets that are drawn; 1000 by default. */
  samples?: number
  /** Draws the sets; 0 by default. */
  seed?: number
}

/** For each measure the bounds that 95 % of the drawn sets keep to. */
export type RecallInterval = { [measure in keyof RecallTable]: [low: number, high: number] }

const SHARE = 0.95
/** Pictures drawn before the event loop has its turn: a few milliseconds. */
const TURN = 1 << 14
const KS = [1, 5, 10] as const

/**
 * Pictures are drawn with replacement, each with its captions, because captions of one picture are not independent. A
 * caption of several pictures goes with the first of them.
 */
export async function bootstrapRecall(
  ranks: NativeRanks,
  relevance: Relevance,
  { samples, seed }: Required<Bootstrap>,
): Promise<RecallInterval> {
  const tallies = tallyImages(ranks, relevance)
  const images = ranks.ofImage.length
  const tables: RecallTable[] = []
  for (let sample = 0; sample < samples; sample++) {
    const draws = new Draws(seed, Stream.bootstrap, 0, sample)
    const sum = new Float64Array(WIDTH)
    for (let i = 0; i < images; i++) {
      const row = draws.below(images) * WIDTH
      for (let k = 0; k < WIDTH; k++) sum[k]! += tallies[row + k]!
      if (i % TURN === TURN - 1) await nextTurn()
    }
    const share = (found: number, of: number) => (of > 0 ? (100 * found) / of : 0)
    tables.push(
      withMeans({
        txt: (k) => share(sum[KS.indexOf(k as 1)]!, sum[SCORED]!),
        img: (k) => share(sum[4 + KS.indexOf(k as 1)]!, sum[CAPTIONS]!),
      }),
    )
    if (sample % 16 === 15) await nextTurn()
  }
  const bounds = (key: keyof RecallTable): [number, number] => {
    const sorted = Float64Array.from(tables, (table) => table[key]).sort()
    return [quantile(sorted, (1 - SHARE) / 2), quantile(sorted, (1 + SHARE) / 2)]
  }
  const keys = Object.keys(tables[0]!) as (keyof RecallTable)[]
  return Object.fromEntries(keys.map((key) => [key, bounds(key)])) as RecallInterval
}

/** Of each image: found at 1, 5, 10 and whether it has captions; its captions found at 1, 5, 10 and how many. */
const WIDTH = 8
const SCORED = 3
const CAPTIONS = 7

function tallyImages({ ofImage, ofCaption }: NativeRanks, relevance: Relevance) {
  const tallies = new Int32Array(ofImage.length * WIDTH) // [images, WIDTH]
  const add = (image: number, first: number, rank: number) => {
    const row = image * WIDTH + first
    for (const [i, k] of KS.entries()) if (rank < k) tallies[row + i]!++
    tallies[row + 3]!++
  }
  for (const [image, rank] of ofImage.entries()) if (rank >= 0) add(image, 0, rank)
  for (const [caption, rank] of ofCaption.entries()) add(relevance.images[relevance.offsets[caption]!]!, 4, rank)
  return tallies
}

/** Linear between neighbours, as NumPy's. */
function quantile(sorted: Float64Array, share: number): number {
  const at = share * (sorted.length - 1)
  const below = Math.floor(at)
  const low = sorted[below]!
  return low + (at - below) * ((sorted[below + 1] ?? low) - low)
}
