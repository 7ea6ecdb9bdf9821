/** Multinomial logistic regression by Newton's method with the whole Hessian: slow, exact, and without any of lib's code. */
import type { Labelled } from '../../../lib/eval/probe/logistic.js'

/** The minimum of (Σ loss + l2/2 ‖W‖²) / n; a trace of a penalty on the biases chooses one of many that are alike. */
export function newton({ features, labels }: Labelled, classes: number, l2: number) {
  const [n, d] = features.shape as [number, number]
  const p = d + 1 // with a column of ones for the bias
  const x = (i: number, k: number) => (k === d ? 1 : features.data[i * d + k]!)
  const theta = new Float64Array(classes * p)
  const penalty = (k: number) => (k === d ? 1e-9 : l2)
  let value = 0
  for (let step = 0; step < 30; step++) {
    const gradient = new Float64Array(classes * p)
    const hessian = Array.from({ length: classes * p }, () => new Float64Array(classes * p))
    value = 0
    for (let i = 0; i < n; i++) {
      const scores = Array.from({ length: classes }, (_, c) => {
        let s = 0
        for (let k = 0; k < p; k++) s += theta[c * p + k]! * x(i, k)
        return s
      })
      const most = Math.max(...scores)
      const total = scores.reduce((sum, s) => sum + Math.exp(s - most), 0)
      const q = scores.map((s) => Math.exp(s - most) / total)
      value -= Math.log(q[labels[i]!]!)
      for (let a = 0; a < classes; a++) {
        for (let k = 0; k < p; k++) {
          gradient[a * p + k]! += (q[a]! - Number(a === labels[i])) * x(i, k)
          for (let b = 0; b < classes; b++) {
            const weight = q[a]! * (Number(a === b) - q[b]!)
            for (let m = 0; m < p; m++) hessian[a * p + k]![b * p + m]! += weight * x(i, k) * x(i, m)
          }
        }
      }
    }
    for (let a = 0; a < classes; a++) {
      for (let k = 0; k < p; k++) {
        const at = a * p + k
        if (k < d) value += (l2 / 2) * theta[at]! ** 2
        gradient[at]! += penalty(k) * theta[at]!
        hessian[at]![at]! += penalty(k)
      }
    }
    const move = solve(hessian, gradient)
    for (let i = 0; i < theta.length; i++) theta[i]! -= move[i]!
    if (Math.max(...move.map(Math.abs)) < 1e-12) break
  }
  const rows = Array.from({ length: classes }, (_, c) => theta.subarray(c * p, (c + 1) * p))
  return { weights: rows.flatMap((row) => [...row.subarray(0, d)]), bias: rows.map((row) => row[d]!), value: value / n }
}

/** Gaussian elimination with pivots. */
function solve(a: Float64Array[], b: Float64Array): Float64Array {
  const n = b.length
  const x = b.slice()
  for (let c = 0; c < n; c++) {
    let pivot = c
    for (let r = c; r < n; r++) if (Math.abs(a[r]![c]!) > Math.abs(a[pivot]![c]!)) pivot = r
    ;[a[c], a[pivot]] = [a[pivot]!, a[c]!]
    ;[x[c], x[pivot]] = [x[pivot]!, x[c]!]
    for (let r = c + 1; r < n; r++) {
      const by = a[r]![c]! / a[c]![c]!
      for (let k = c; k < n; k++) a[r]![k]! -= by * a[c]![k]!
      x[r]! -= by * x[c]!
    }
  }
  for (let c = n - 1; c >= 0; c--) {
    for (let k = c + 1; k < n; k++) x[c]! -= a[c]![k]! * x[k]!
    x[c]! /= a[c]![c]!
  }
  return x
}
