/** From open weights to a model's parameters. */
import { isArray } from '../base/brands.js'
import type { TypedArray } from '../base/types.js'
import type { ModelConfig } from '../models/config.js'
import { fittingModels } from './fitting-models.js'
import { elementCount } from './formats/dtypes.js'
import type { StoredTensors, TensorInfo } from './formats/safetensors/safetensors.js'
import { unsupportedTensor } from './formats/weight-file.js'
import { fromStored, type ParameterShape } from './layouts/stored-parts.js'
import { recogniseLayout } from './layouts/table.js'
import { refuseLittle } from './little.js'
import type { LoadReport } from './load-report.js'
import { type Match, matchTensors, requireMatch } from './match.js'

/** Whether every parameter must be there and nothing else; or what fits is loaded, of each tower enough or however little. */
export type LoadManner = 'strict' | 'fitting' | 'any'

/**
 * Reads the weights, one tensor at a time.
 * @param config of the model, which says in which layouts the file may be
 * @param begin is told before a parameter's values, or some of them, are written, what the file has of it
 * @param write takes the values of a parameter, by its index, from the element `first` on
 * @returns what was loaded and what was not
 * @throws ClipwrightError ERR_MISMATCH whose keys name all tensors that differ, ERR_UNSUPPORTED for weights of eight-bit floats;
 *   otherwise ERR_MISMATCH when next to nothing fits
 */
export async function loadWeights(
  weights: StoredTensors,
  config: ModelConfig,
  parameters: readonly ParameterShape[],
  manner: LoadManner,
  write: (index: number, values: Float32Array, first: number) => Promise<void>,
  begin?: (index: number, stored: TensorInfo) => Promise<void>,
): Promise<LoadReport> {
  const { entries, path } = weights
  const { names } = recogniseLayout(parameters, entries, config)
  const match = matchTensors(parameters, entries, names)
  if (manner === 'strict') requireWhole(match, weights)
  else refuseLittle(match, parameters, entries, names, path, manner === 'any')
  for (const fit of match.fits) {
    await begin?.(fit.index, entries.get(fit.part.name)!)
    await passOn(weights, fit, write)
  }
  const resized = match.fits.flatMap(({ resizing }) => resizing?.what ?? [])
  return {
    path,
    loaded: match.fits.map(({ part }) => part.name),
    missing: match.missing,
    mismatched: match.wrong.map(({ name, what }) => `${name} ${what}`),
    unexpected: match.extra,
    ...(resized.length > 0 && { resized }),
  }
}

/** @throws ClipwrightError ERR_MISMATCH whose keys name all tensors that differ, ERR_UNSUPPORTED for weights of eight-bit floats */
export function requireWhole(match: Match, { path, entries }: StoredTensors): void {
  const unread = match.unread[0]
  if (unread) {
    const what = `has elements of type ${entries.get(unread)!.dtype}, which are not supported`
    throw unsupportedTensor(path, unread, what)
  }
  requireMatch(match, path, () => fittingModels(entries))
}

/**
 * Elements `first` to `first + count` of a parameter that lies in one tensor or several. To be changed at will.
 * @param held what of the file is the parameter's
 */
export async function readElements(
  weights: StoredTensors,
  held: Match['fits'],
  first: number,
  count: number,
): Promise<Float32Array> {
  const end = first + count
  const overlapping = held.filter(({ part }) => part.first < end && part.first + elementCount(part.shape) > first)
  if (overlapping.length === 1) {
    const values = await readFit(weights, overlapping[0]!)
    const before = first - overlapping[0]!.part.first
    return values.subarray(before, before + count)
  }
  const out = new Float32Array(count)
  for (const fit of overlapping) out.set(await readFit(weights, fit), fit.part.first - first)
  return out
}

/** A tensor that is the parameter's elements in their order passes in pieces: none of it need be in memory whole. */
async function passOn(
  weights: StoredTensors,
  fit: Match['fits'][number],
  write: (index: number, values: Float32Array, first: number) => Promise<void>,
): Promise<void> {
  const { part, index, resizing } = fit
  if (resizing || part.transposed) return write(index, await readFit(weights, fit), part.first)
  let first = part.first
  for await (const piece of weights.pieces(part.name)) {
    await write(index, asFloats(piece), first)
    first += piece.length
  }
}

const asFloats = (data: TypedArray) => (isArray(data, 'Float32Array') ? data : Float32Array.from(data as Float64Array))

/** A part's values as the core has them. */
async function readFit(weights: StoredTensors, { part, resizing }: Match['fits'][number]): Promise<Float32Array> {
  const { data } = await weights.read(part.name)
  const values = asFloats(data)
  return fromStored(part, resizing ? resizing.resize(values) : values)
}
