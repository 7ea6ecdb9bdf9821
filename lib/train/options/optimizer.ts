/** The optimizer of a run, from its options. */
import type { Clip } from '../../clip/clip.js'
import { sessionOf } from '../../clip/session.js'
import { OPTIMIZER_DEFAULTS, type OptimizerName } from '../../optim/defaults.js'
import { depthsOf } from '../../optim/depths.js'
import type { Optimizer, ParameterGroup } from '../../optim/optimizer.js'
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

type Choice = OptimizerSettings & {
  optimizer: OptimizerName
  lr: number
  decayAll: boolean
  layerDecay: number
  ema?: number
}

/** @throws ClipwrightError ERR_INVALID_ARGUMENT */
export function makeOptimizer(clip: Clip, { optimizer, lr, decayAll, layerDecay, ema, ...given }: Choice): Optimizer {
  const own = optimizerSettings(optimizer, given)
  // A group's decay is on parameters of any shape.
  const decay = decayAll ? { weightDecay: own.weightDecay as number } : {}
  const layers = layerDecay === 1 ? [] : layerGroups(clip, lr, layerDecay).map((group) => ({ ...group, ...decay }))
  const groups = [...layers, ...(decayAll ? [{ match: /(?:)/, ...decay }] : [])]
  return new CLASSES[optimizer](clip, {
    lr,
    ...own,
    groups,
    ...(ema !== undefined && { ema }),
  } as ConstructorParameters<typeof AdamW>[1])
}

/**
 * lr · decay^(layers from the top), the projection at the top and what makes tokens at the bottom: BEiT's `get_num_layer_for_vit`
 * and EVA-CLIP's for text.
 */
function layerGroups(clip: Clip, lr: number, decay: number): ParameterGroup[] {
  const parameters = sessionOf(clip, 'train').own
  const byDepth = new Map<number, string[]>()
  for (const [i, depth] of depthsOf(parameters.map(({ name }) => name)).entries()) {
    if (!depth) continue
    const fromTop = depth.blocks + 1 - depth.layer
    byDepth.set(fromTop, [...(byDepth.get(fromTop) ?? []), parameters[i]!.publicName])
  }
  return [...byDepth].map(([fromTop, names]) => ({
    match: new RegExp(`^(?:${names.map((name) => name.replaceAll('.', '\\.')).join('|')})$`),
    lr: lr * decay ** fromTop,
  }))
}
