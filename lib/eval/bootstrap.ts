/** How far recall would scatter over other sets of pictures: the percentile bootstrap (Efron and Tibshirani, 1993). */
import { setImmediate as nextTurn } from 'node:timers/promises'
import { z } from 'zod'
import { Draws, Stream } from '../base/random.js'
import type { NativeRanks } from '../native/ranks.js'
import { atEachK, type RecallTable, withMeans } from './metrics.js'
import type { Relevance } from './relevance.js'

/** Asks `evaluateRetrieval` for intervals. */
export type Bootstrap = {
  /** Sets that are drawn; 1000 by default. */
  samples?: number
  /** Draws the sets; 0 by default. */
  seed?: number
}

export const bootstrapSchema = z.strictObject({
  samples: z.int().min(1).max(1_000_000).default(1000),
  seed: z.int().min(0).default(0),
})

/** For each measure the bounds that 95 % of the drawn sets keep to. */
export type RecallInterval = { [measure in keyof RecallTable]: [low: number, high: number] }

const SHARE = 0.95
/** Pictures drawn before the event loop has its turn: a few milliseconds. */
const TURN = 1 << 14

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
    const recall = (first: number) => {
      const asked = sum[first + ASKED]!
      return atEachK((_, i) => (asked > 0 ? (100 * sum[first + i]!) / asked : 0))
    }
    tables.push(withMeans({ txt: recall(TXT), img: recall(IMG) }))
    if (sample % 16 === 15) await nextTurn()
  }
  const keys = Object.keys(tables[0]!) as (keyof RecallTable)[]
  return Object.fromEntries(keys.map((key) => [key, boundsOf(tables.map((table) => table[key]))])) as RecallInterval
}

/** The bounds that 95 % of the values keep to. */
export function boundsOf(values: readonly number[]): [low: number, high: number] {
  const sorted = Float64Array.from(values).sort()
  return [quantile(sorted, (1 - SHARE) / 2), quantile(sorted, (1 + SHARE) / 2)]
}

/** Of each image, the image itself and then its captions: how many are found at 1, 5 and 10, and how many are asked for. */
const WIDTH = 8
const TXT = 0
const IMG = 4
const ASKED = 3

function tallyImages({ ofImage, ofCaption }: NativeRanks, relevance: Relevance) {
  const tallies = new Int32Array(ofImage.length * WIDTH) // [images, WIDTH]
  const add = (image: number, first: number, rank: number) => {
    const row = image * WIDTH + first
    const found = atEachK((k) => Number(rank < k))
    for (const [i, one] of found.entries()) tallies[row + i]! += one
    tallies[row + ASKED]!++
  }
  for (const [image, rank] of ofImage.entries()) if (rank >= 0) add(image, TXT, rank)
  for (const [caption, rank] of ofCaption.entries()) add(relevance.images[relevance.offsets[caption]!]!, IMG, rank)
  return tallies
}

/** Linear between neighbours, as NumPy's. */
function quantile(sorted: Float64Array, share: number): number {
  const at = share * (sorted.length - 1)
  const below = Math.floor(at)
  const low = sorted[below]!
  return low + (at - below) * ((sorted[below + 1] ?? low) - low)
}
