/** From open weights to a model's parameters. */
import type { ModelConfig } from '../models/config.js'
import { fittingModels } from './fitting-models.js'
import type { StoredTensors } from './formats/safetensors/safetensors.js'
import { fromStored, type ParameterShape } from './layouts/stored-parts.js'
import { recogniseLayout } from './layouts/table.js'
import type { LoadReport } from './load-report.js'
import { matchTensors, requireMatch } from './match.js'

/**
 * Reads the weights, one tensor at a time.
 * @param config of the model, which says in which layouts the file may be
 * @param write takes the values of a parameter, by its index, from the element `first` on
 * @param strict whether every parameter must be there, and nothing else; otherwise what fits is loaded
 * @returns what was loaded and what was not
 * @throws ClipwrightError ERR_MISMATCH naming all tensors that differ
 */
export async function loadWeights(
  weights: StoredTensors,
  config: ModelConfig,
  parameters: readonly ParameterShape[],
  strict: boolean,
  write: (index: number, values: Float32Array, first: number) => Promise<void>,
): Promise<LoadReport> {
  const match = matchTensors(parameters, weights.entries, recogniseLayout(parameters, weights.entries, config))
  if (strict) requireMatch(match, weights.path, () => fittingModels(weights.entries))
  for (const { index, part } of match.fits) {
    const { data } = await weights.read(part.name)
    const values = data instanceof Float32Array ? data : Float32Array.from(data as Float64Array)
    await write(index, fromStored(part, values), part.first)
  }
  return {
    path: weights.path,
    loaded: match.fits.map(({ part }) => part.name),
    missing: match.missing,
    mismatched: match.wrong,
    unexpected: match.extra,
  }
}
