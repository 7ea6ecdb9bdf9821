/** A built-in model in a few numbers. */
import type { PreprocessConfig } from '../image/preprocess-config.js'
import { native } from '../native/addon.js'
import type { ModelConfig } from './config.js'
import { listPretrained, type Pretrained } from './pretrained.js'
import { describeModel } from './registry.js'
import { resolveModel } from './resolve.js'

/** What a name stands for; there are no weights in it, but some may be had for it. */
export type ModelSummary = {
  name: string
  /** open_clip's configuration. */
  model: ModelConfig
  preprocess: PreprocessConfig
  /** Numbers in all weights together. */
  parameters: number
  /** Weights that can be had for it, by `pretrained`. */
  pretrained: Omit<Pretrained, 'model'>[]
}

/**
 * Nothing is allocated, so it is quick whatever the size.
 * @param name as `modelConfig` takes it
 * @throws ClipwrightError ERR_UNKNOWN_MODEL offering the nearest names
 */
export function summarizeModel(name: string): ModelSummary {
  const { config, preprocess } = describeModel(name)
  const shapes = native().parametersOf(resolveModel(config, preprocess, name))
  const parameters = shapes.reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0)
  const pretrained = listPretrained(name).map(({ tag, repository }) => ({ tag, repository }))
  return { name, model: config, preprocess, parameters, pretrained }
}
