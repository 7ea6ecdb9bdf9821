/**
 * Multinomial logistic regression on fixed features: minimises, over W [classes, dim] and b [classes],
 *
 *   1/n · ( Σᵢ −log softmax(W·xᵢ + b)[yᵢ] + l2/2 · ‖W‖² ),
 *
 * scikit-learn's `LogisticRegression(C = 1 / l2)` divided by n · C, which leaves the minimum where it is. The features are
 * centred first: b takes up the shift, W does not change, and far fewer iterations are needed.
 *
 * The products are plain loops over blocks of rows, four classes at a time: 4 · pictures · classes · dim operations for
 * each look at the function, about 1.5 billion a second.
 */
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Tensor } from '../../base/types.js'
import { type LbfgsOptions, minimize } from './lbfgs.js'

/** `features` [n, dim], finite; `labels` from 0 on, below `classes`. */
export type Labelled = { features: Tensor; labels: Int32Array }

/** `weights` [classes, dim] and `bias` for features as they come. */
export type LinearModel = { weights: Float64Array; bias: Float64Array }

const BLOCK = 64
/** Multiplications between two turns of the event loop: some ten milliseconds. */
const TURN = 1 << 23

/** The function to minimise, of W and then b in one array. */
export class LogisticLoss {
  readonly mean: Float64Array
  readonly #data: Labelled
  readonly #classes: number
  readonly #l2: number
  readonly #signal: AbortSignal | undefined

  constructor(data: Labelled, classes: number, l2: number, signal?: AbortSignal) {
    this.#signal = signal
    this.#data = data
    this.#classes = classes
    this.#l2 = l2
    this.mean = meanOf(data.features)
  }

  get size(): number {
    return this.#classes * (this.mean.length + 1)
  }

  readonly value = async (x: Float64Array, gradient: Float64Array): Promise<number> => {
    const { features, labels } = this.#data
    const [n, d] = features.shape as [number, number]
    const classes = this.#classes
    const [weights, bias] = [x.subarray(0, classes * d), x.subarray(classes * d)]
    const [dWeights, dBias] = [gradient.subarray(0, classes * d), gradient.subarray(classes * d)]
    gradient.fill(0)
    const rows = new Float64Array(BLOCK * d)
    const scores = new Float64Array(BLOCK * classes)
    const turn = Math.max(1, Math.floor(TURN / (BLOCK * classes * d)))
    let sum = 0
    for (let from = 0; from < n; from += BLOCK) {
      const count = Math.min(BLOCK, n - from)
      centre(features, from, count, this.mean, rows)
      multiply(rows, weights, bias, count, scores)
      for (let r = 0; r < count; r++) {
        sum += crossEntropy(scores.subarray(r * classes, (r + 1) * classes), labels[from + r]!)
      }
      // `scores` now hold the gradient of each row's loss by its scores.
      addProducts(rows, scores, count, dWeights, dBias)
      if ((from / BLOCK) % turn === turn - 1) {
        await nextTurn()
        this.#signal?.throwIfAborted()
      }
    }
    for (let i = 0; i < gradient.length; i++) gradient[i]! /= n
    let squares = 0
    for (let i = 0; i < weights.length; i++) {
      squares += weights[i]! * weights[i]!
      dWeights[i]! += (this.#l2 * weights[i]!) / n
    }
    return (sum + (this.#l2 / 2) * squares) / n
  }

  /** For features as they come. */
  model(x: Float64Array): LinearModel {
    const d = this.mean.length
    const weights = x.slice(0, this.#classes * d)
    const bias = x.slice(this.#classes * d).map((b, c) => {
      let shift = 0
      for (let k = 0; k < d; k++) shift += weights[c * d + k]! * this.mean[k]!
      return b - shift
    })
    return { weights, bias }
  }
}

/** @param start of an earlier fit of as many classes; zeros by default */
export async function fitLogistic(
  data: Labelled,
  classes: number,
  l2: number,
  o: LbfgsOptions,
  start?: Float64Array,
  signal?: AbortSignal,
): Promise<{ x: Float64Array; model: LinearModel; value: number; iterations: number; converged: boolean }> {
  const loss = new LogisticLoss(data, classes, l2, signal)
  const found = await minimize(loss.value, start ?? new Float64Array(loss.size), o)
  return { ...found, model: loss.model(found.x) }
}

/** The class with the highest score of each row; of equal ones the first. */
export function predictClasses(features: Tensor, { weights, bias }: LinearModel): Int32Array {
  const [n, d] = features.shape as [number, number]
  const classes = bias.length
  const rows = new Float64Array(BLOCK * d)
  const scores = new Float64Array(BLOCK * classes)
  const none = new Float64Array(d)
  const best = new Int32Array(n)
  for (let from = 0; from < n; from += BLOCK) {
    const count = Math.min(BLOCK, n - from)
    centre(features, from, count, none, rows)
    multiply(rows, weights, bias, count, scores)
    for (let r = 0; r < count; r++) {
      for (let c = 1; c < classes; c++) {
        if (scores[r * classes + c]! > scores[r * classes + best[from + r]!]!) best[from + r] = c
      }
    }
  }
  return best
}

function meanOf({ shape, data }: Tensor): Float64Array {
  const [n, d] = shape as [number, number]
  const mean = new Float64Array(d)
  for (let i = 0; i < n; i++) for (let k = 0; k < d; k++) mean[k]! += data[i * d + k]! / n
  return mean
}

function centre({ shape, data }: Tensor, from: number, count: number, mean: Float64Array, rows: Float64Array): void {
  const d = shape[1]!
  for (let r = 0; r < count; r++) {
    for (let k = 0; k < d; k++) rows[r * d + k] = data[(from + r) * d + k]! - mean[k]!
  }
}

/** scores [count, classes] = rows · weightsᵀ + bias */
function multiply(
  rows: Float64Array,
  weights: Float64Array,
  bias: Float64Array,
  count: number,
  scores: Float64Array,
): void {
  const classes = bias.length
  const d = weights.length / classes
  let c = 0
  for (; c + 4 <= classes; c += 4) {
    const w = c * d
    for (let r = 0; r < count; r++) {
      let [s0, s1, s2, s3] = [bias[c]!, bias[c + 1]!, bias[c + 2]!, bias[c + 3]!]
      for (let k = 0, at = r * d; k < d; k++, at++) {
        const x = rows[at]!
        s0 += x * weights[w + k]!
        s1 += x * weights[w + d + k]!
        s2 += x * weights[w + 2 * d + k]!
        s3 += x * weights[w + 3 * d + k]!
      }
      const out = r * classes + c
      scores[out] = s0
      scores[out + 1] = s1
      scores[out + 2] = s2
      scores[out + 3] = s3
    }
  }
  for (; c < classes; c++) {
    for (let r = 0; r < count; r++) {
      let s = bias[c]!
      for (let k = 0; k < d; k++) s += rows[r * d + k]! * weights[c * d + k]!
      scores[r * classes + c] = s
    }
  }
}

/** −log softmax(scores)[label]; the scores become its gradient. */
function crossEntropy(scores: Float64Array, label: number): number {
  let most = scores[0]!
  for (let c = 1; c < scores.length; c++) most = Math.max(most, scores[c]!)
  const own = scores[label]! - most
  let total = 0
  for (let c = 0; c < scores.length; c++) {
    scores[c] = Math.exp(scores[c]! - most)
    total += scores[c]!
  }
  for (let c = 0; c < scores.length; c++) scores[c]! /= total
  scores[label]! -= 1
  return Math.log(total) - own
}

/** dWeights += dScoresᵀ · rows, and dBias the column sums of dScores: four rows at a time. */
function addProducts(
  rows: Float64Array,
  dScores: Float64Array,
  count: number,
  dWeights: Float64Array,
  dBias: Float64Array,
): void {
  const classes = dBias.length
  const d = dWeights.length / classes
  for (let c = 0; c < classes; c++) {
    const w = c * d
    let r = 0
    for (; r + 4 <= count; r += 4) {
      const at = r * d
      const g0 = dScores[r * classes + c]!
      const g1 = dScores[(r + 1) * classes + c]!
      const g2 = dScores[(r + 2) * classes + c]!
      const g3 = dScores[(r + 3) * classes + c]!
      dBias[c]! += g0 + g1 + g2 + g3
      for (let k = 0; k < d; k++) {
        dWeights[w + k]! +=
          g0 * rows[at + k]! + g1 * rows[at + d + k]! + g2 * rows[at + 2 * d + k]! + g3 * rows[at + 3 * d + k]!
      }
    }
    for (; r < count; r++) {
      const g = dScores[r * classes + c]!
      dBias[c]! += g
      for (let k = 0; k < d; k++) dWeights[w + k]! += g * rows[r * d + k]!
    }
  }
}
