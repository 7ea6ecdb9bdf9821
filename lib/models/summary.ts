/** A built-in model in a few numbers. */
import type { PreprocessConfig } from '../image/preprocess-config.js'
import { native } from '../native/addon.js'
import type { ModelConfig } from './config.js'
import { familyOf } from './family.js'
import { describeModel } from './registry.js'
import { resolveModel } from './resolve.js'

/** What a name stands for; there are no weights in it. */
export type ModelSummary = {
  name: string
  /** What kind of model it is, in a few words. */
  family: string
  /** open_clip's configuration. */
  model: ModelConfig
  preprocess: PreprocessConfig
  /** Numbers in all weights together. */
  parameters: number
  /** Bytes that the weights take, by the type that they are kept in. */
  memory: Memory
}

/** Bytes that weights take, by the type that they are kept in. */
export type Memory = { fp32: number; bf16: number }

export const memoryOf = (parameters: number): Memory => ({ fp32: 4 * parameters, bf16: 2 * parameters })

/**
 * Nothing is allocated, so it is quick whatever the size.
 * @param name as `modelConfig` takes it
 * @throws ClipwrightError ERR_UNKNOWN_MODEL offering the nearest names
 */
export function summarizeModel(name: string): ModelSummary {
  const { config, preprocess } = describeModel(name)
  const shapes = native().parametersOf(resolveModel(config, preprocess, name))
  const parameters = shapes.reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0)
  return { name, family: familyOf(config), model: config, preprocess, parameters, memory: memoryOf(parameters) }
}
