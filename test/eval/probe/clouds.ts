/** Features that belong to classes. */
import { Draws, Stream } from '../../../lib/base/random.js'
import type { Labelled } from '../../../lib/eval/probe/logistic.js'

/** Noisy clouds around a point for each class, far from the origin; more rows than a block, and no multiple of four. */
export function clouds(n: number, d: number, classes: number, noise: number): Labelled {
  const draws = new Draws(7, Stream.bootstrap, 0, n)
  const labels = Int32Array.from({ length: n }, (_, i) => (i * 7) % classes)
  const centres = Float64Array.from({ length: classes * d }, () => draws.next())
  const data = new Float32Array(n * d)
  for (let i = 0; i < n; i++) {
    for (let k = 0; k < d; k++) data[i * d + k] = 3 + centres[labels[i]! * d + k]! + noise * (draws.next() - 0.5)
  }
  return { features: { shape: [n, d], data }, labels }
}
