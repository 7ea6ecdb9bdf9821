/** From open weights to a model's parameters. */
import type { ModelConfig } from '../models/config.js'
import { fittingModels } from './fitting-models.js'
import type { StoredTensors } from './formats/safetensors/safetensors.js'
import { unsupportedTensor } from './formats/weight-file.js'
import { fromStored, type ParameterShape } from './layouts/stored-parts.js'
import { recogniseLayout } from './layouts/table.js'
import { refuseLittle } from './little.js'
import type { LoadReport } from './load-report.js'
import { matchTensors, requireMatch } from './match.js'

/** Whether every parameter must be there and nothing else; or what fits is loaded, of each tower enough or however little. */
export type LoadManner = 'strict' | 'fitting' | 'any'

/**
 * Reads the weights, one tensor at a time.
 * @param config of the model, which says in which layouts the file may be
 * @param write takes the values of a parameter, by its index, from the element `first` on
 * @returns what was loaded and what was not
 * @throws ClipwrightError ERR_MISMATCH naming all tensors that differ, ERR_UNSUPPORTED for weights of eight-bit floats;
 *   otherwise ERR_MISMATCH when next to nothing fits
 */
export async function loadWeights(
  weights: StoredTensors,
  config: ModelConfig,
  parameters: readonly ParameterShape[],
  manner: LoadManner,
  write: (index: number, values: Float32Array, first: number) => Promise<void>,
): Promise<LoadReport> {
  const { entries, path } = weights
  const names = recogniseLayout(parameters, entries, config)
  const match = matchTensors(parameters, entries, names)
  if (manner === 'strict') {
    const unread = match.unread[0]
    if (unread)
      throw unsupportedTensor(
        path,
        unread,
        `has elements of type ${entries.get(unread)!.dtype}, which are not supported`,
      )
    requireMatch(match, path, () => fittingModels(entries))
  } else refuseLittle(match, parameters, entries, names, path, manner === 'any')
  for (const { index, part, resizing } of match.fits) {
    const { data } = await weights.read(part.name)
    const values = data instanceof Float32Array ? data : Float32Array.from(data as Float64Array)
    await write(index, fromStored(part, resizing ? resizing.resize(values) : values), part.first)
  }
  const resized = match.fits.flatMap(({ resizing }) => resizing?.what ?? [])
  return {
    path,
    loaded: match.fits.map(({ part }) => part.name),
    missing: match.missing,
    mismatched: match.wrong,
    unexpected: match.extra,
    ...(resized.length > 0 && { resized }),
  }
}
