/** Losses of steps 1, 2, 3… as a plot takes them. */
import { LossCurve, type LossPoint } from '../../lib/report/loss-curve.js'

export function curveOf(losses: readonly number[]): LossPoint[] {
  const curve = new LossCurve()
  for (const [i, loss] of losses.entries()) curve.add({ step: i + 1, loss })
  return curve.points
}
