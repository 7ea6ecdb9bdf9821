/** A checkpoint's parameters one by one, in the core's order, without a model. */
import type { HubOptions } from '../hub/settings.js'
import type { ModelConfig } from '../models/config.js'
import { resolveModel } from '../models/resolve.js'
import { native } from '../native/addon.js'
import { elementCount } from './formats/dtypes.js'
import type { StoredTensors } from './formats/safetensors/safetensors.js'
import type { ParameterShape } from './layouts/stored-parts.js'
import { recogniseLayout } from './layouts/table.js'
import { readElements, requireWhole } from './load.js'
import { type Match, matchTensors } from './match.js'
import { openCheckpoint } from './open.js'

/** To be closed by whoever opened it. */
export class WeightReader {
  /** In the order of a session's. */
  readonly parameters: readonly ParameterShape[]
  readonly #weights: StoredTensors
  readonly #fits: Match['fits']

  private constructor(weights: StoredTensors, parameters: readonly ParameterShape[], fits: Match['fits']) {
    this.#weights = weights
    this.parameters = parameters
    this.#fits = fits
  }

  /** @throws ClipwrightError what opening throws, ERR_MISMATCH where the weights are not those of the model */
  static async open(path: string, model?: string | ModelConfig, key?: string, hub?: HubOptions): Promise<WeightReader> {
    const { weights, config, preprocess } = await openCheckpoint(path, model, key, hub)
    try {
      const parameters = native().parametersOf(resolveModel(config, preprocess, path))
      const { names } = recogniseLayout(parameters, weights.entries, config)
      const match = matchTensors(parameters, weights.entries, names)
      requireWhole(match, weights)
      return new WeightReader(weights, parameters, match.fits)
    } catch (error) {
      await weights.close()
      throw error
    }
  }

  /** The file of the weights. */
  get path(): string {
    return this.#weights.path
  }

  /** Numbers in all weights together. */
  get count(): number {
    return this.parameters.reduce((sum, { shape }) => sum + elementCount(shape), 0)
  }

  /** A parameter's values, to be changed at will. */
  read(index: number): Promise<Float32Array> {
    const held = this.#fits.filter((fit) => fit.index === index)
    return readElements(this.#weights, held, 0, elementCount(this.parameters[index]!.shape))
  }

  async close(): Promise<void> {
    await this.#weights.close()
  }
}
