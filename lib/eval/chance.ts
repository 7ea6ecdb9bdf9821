import { type RecallTable, withMeans } from './metrics.js'

/**
 * What a random ranking reaches on average, exactly. Of m captions in random order, none of an image's k is among the
 * first K with probability C(m−k, K) / C(m, K); of n images in random order, the right one is among the first K with
 * probability K / n.
 */
export function chanceRecall(images: number, imageOfCaption: Int32Array): RecallTable {
  const captions = imageOfCaption.length
  const captionsOf = new Int32Array(images)
  for (const image of imageOfCaption) captionsOf[image]!++
  const txt = (k: number) => {
    let found = 0
    for (const own of captionsOf) found += probabilityOfAny(captions, own, k)
    return (100 * found) / images
  }
  return withMeans({ txt, img: (k) => 100 * Math.min(1, k / images) })
}

/** 1 − C(total − own, drawn) / C(total, drawn), through logarithms: the quotient is close to 1 where chance is small. */
function probabilityOfAny(total: number, own: number, drawn: number): number {
  let logNone = 0
  for (let i = 0; i < Math.min(drawn, total); i++) logNone += Math.log1p(-Math.min(1, own / (total - i)))
  return -Math.expm1(logNone)
}
