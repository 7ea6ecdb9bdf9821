/** How much an optimizer keeps of each number that learns. */
import type { OptimizerName } from './defaults.js'

/** f32 copies of all that learns: moments, and the moving average of the values. */
export function copiesKept(o: {
  optimizer: OptimizerName
  momentum?: number | undefined
  ema?: number | undefined
}): number {
  const moments = { adamw: 2, adam: 2, lamb: 2, lion: 1, sgd: o.momentum ? 1 : 0 }
  return moments[o.optimizer] + (o.ema === undefined ? 0 : 1)
}
