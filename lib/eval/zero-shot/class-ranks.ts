/** Where each picture's own class ranks among all, and which class ranks first. */
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Tensor } from '../../base/types.js'

export type ClassRanks = {
  /** Of each picture's own class, counted from 0. Of equal scores the earlier class ranks first, as `classify` has it. */
  rank: Int32Array
  /** The class that ranks first. */
  first: Int32Array
}

/** Products between two turns of the event loop: some ten milliseconds. */
const TURN = 1 << 24

/**
 * Takes 2 · pictures · classes · dim operations in plain loops, which is little beside the encoding of the pictures:
 * about half a minute for ImageNet's 50,000.
 * @param features [pictures, dim]
 * @param weights [classes, dim]
 * @param classOf each picture's own class
 */
export async function rankClasses(features: Tensor, weights: Tensor, classOf: Int32Array): Promise<ClassRanks> {
  const [pictures, dim] = features.shape as [number, number]
  const classes = weights.shape[0]!
  const rank = new Int32Array(pictures)
  const first = new Int32Array(pictures)
  const scores = new Float64Array(classes)
  const rows = Math.max(1, Math.floor(TURN / (classes * dim)))
  for (let i = 0; i < pictures; i++) {
    scoresOf(features.data.subarray(i * dim, (i + 1) * dim), weights.data, scores)
    const own = classOf[i]!
    for (let c = 0; c < classes; c++) {
      if (scores[c]! > scores[own]! || (scores[c] === scores[own] && c < own)) rank[i]!++
      if (scores[c]! > scores[first[i]!]!) first[i] = c
    }
    if (i % rows === rows - 1) await nextTurn()
  }
  return { rank, first }
}

function scoresOf(feature: Float32Array, weights: Float32Array, scores: Float64Array): void {
  const dim = feature.length
  for (let c = 0; c < scores.length; c++) {
    const row = c * dim
    let dot = 0
    for (let k = 0; k < dim; k++) dot += feature[k]! * weights[row + k]!
    scores[c] = dot
  }
}
