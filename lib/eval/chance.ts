import { atEachK, type RecallTable, withMeans } from './metrics.js'
import { captionCounts, type Relevance } from './relevance.js'

/**
 * What a random ranking reaches on average, exactly. Of m captions in random order, none of an image's k is among the
 * first K with probability C(m−k, K) / C(m, K); of n images, likewise for a caption's.
 */
export function chanceRecall(images: number, relevance: Relevance): RecallTable {
  const captions = relevance.offsets.length - 1
  const ofImages = captionCounts(relevance, images).filter((own) => own > 0)
  const ofCaptions = Int32Array.from({ length: captions }, (_, j) => relevance.offsets[j + 1]! - relevance.offsets[j]!)
  return withMeans({
    txt: atEachK((k) => meanProbability(captions, ofImages, k)),
    img: atEachK((k) => meanProbability(images, ofCaptions, k)),
  })
}

/** Percent; `owns` counts the right answers of each query among `total`. */
function meanProbability(total: number, owns: Int32Array, k: number): number {
  const known = new Map<number, number>()
  let sum = 0
  for (const own of owns) {
    const probability = known.get(own) ?? probabilityOfAny(total, own, k)
    known.set(own, probability)
    sum += probability
  }
  return (100 * sum) / owns.length
}

/** 1 − C(total − own, drawn) / C(total, drawn), through logarithms: the quotient is close to 1 where chance is small. */
function probabilityOfAny(total: number, own: number, drawn: number): number {
  let logNone = 0
  for (let i = 0; i < Math.min(drawn, total); i++) logNone += Math.log1p(-Math.min(1, own / (total - i)))
  return -Math.expm1(logNone)
}
