/** The optimizer of a run, from its options. */
import type { Clip } from '../../clip/clip.js'
import { OPTIMIZER_DEFAULTS, type OptimizerName } from '../../optim/defaults.js'
import type { Optimizer } from '../../optim/optimizer.js'
import { Adam, AdamW, Lamb, Lion, Sgd } from '../../optim/rules.js'

const CLASSES = { adamw: AdamW, adam: Adam, lion: Lion, lamb: Lamb, sgd: Sgd }
const OWN = ['betas', 'eps', 'momentum', 'weightDecay'] as const

export type OptimizerSettings = {
  betas?: readonly [number, number]
  eps?: number
  momentum?: number
  weightDecay?: number
}

/** The options among those given that this optimizer does not have. */
export function foreignOptions(optimizer: OptimizerName, given: OptimizerSettings): (keyof OptimizerSettings)[] {
  return OWN.filter((key) => given[key] !== undefined && !(key in OPTIMIZER_DEFAULTS[optimizer]))
}

/** All that this optimizer can be told: what was given, or else its defaults. */
export function optimizerSettings(optimizer: OptimizerName, given: OptimizerSettings): OptimizerSettings {
  return Object.fromEntries(
    Object.entries(OPTIMIZER_DEFAULTS[optimizer]).map(([key, value]) => [
      key,
      given[key as keyof OptimizerSettings] ?? value,
    ]),
  )
}

type Choice = OptimizerSettings & { optimizer: OptimizerName; lr: number; decayAll: boolean }

/** @throws ClipwrightError ERR_INVALID_ARGUMENT */
export function makeOptimizer(clip: Clip, { optimizer, lr, decayAll, ...given }: Choice): Optimizer {
  const own = optimizerSettings(optimizer, given)
  // A group's decay is on parameters of any shape.
  const groups = decayAll ? [{ match: /(?:)/, weightDecay: own.weightDecay as number }] : []
  return new CLASSES[optimizer](clip, { lr, ...own, groups } as ConstructorParameters<typeof AdamW>[1])
}
