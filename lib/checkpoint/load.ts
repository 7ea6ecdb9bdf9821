/** From open weights to a model's parameters. */
import { isArray } from '../base/brands.js'
import type { TypedArray } from '../base/types.js'
import type { ModelConfig } from '../models/config.js'
import { fittingModels } from './fitting-models.js'
import { elementCount } from './formats/dtypes.js'
import type { StoredTensors, TensorInfo } from './formats/safetensors/safetensors.js'
import { type StoredPlace, unsupportedTensor } from './formats/weight-file.js'
import { fromStored, type ParameterShape } from './layouts/stored-parts.js'
import { recogniseLayout } from './layouts/table.js'
import { refuseLittle } from './little.js'
import type { LoadReport } from './load-report.js'
import { type Match, matchTensors, requireMatch } from './match.js'

/** Whether every parameter must be there and nothing else; or what fits is loaded, of each tower enough or however little. */
export type LoadManner = 'strict' | 'fitting' | 'any'

/** Where a model's parameters go, each by its index; what is asked for first is done first. */
export type WeightSink = {
  /** Is told before a parameter's values, or some of them, are written, what the file has of it. */
  begin?(index: number, stored: TensorInfo): Promise<void>
  /** Takes values from the element `first` on. */
  write(index: number, values: Float32Array, first: number): Promise<void>
  /** Reads `count` of them itself. */
  copy(index: number, from: StoredPlace, first: number, count: number): Promise<void>
}

/**
 * Reads the weights: most tensors by the sink, all of which it is asked for at once, others one at a time.
 * @param config of the model, which says in which layouts the file may be
 * @returns what was loaded and what was not
 * @throws ClipwrightError ERR_MISMATCH whose keys name all tensors that differ, ERR_UNSUPPORTED for weights of eight-bit floats;
 *   otherwise ERR_MISMATCH when next to nothing fits
 */
export async function loadWeights(
  weights: StoredTensors,
  config: ModelConfig,
  parameters: readonly ParameterShape[],
  manner: LoadManner,
  sink: WeightSink,
): Promise<LoadReport> {
  const { entries, path } = weights
  const { names } = recogniseLayout(parameters, entries, config)
  const match = matchTensors(parameters, entries, names)
  if (manner === 'strict') requireWhole(match, weights)
  else refuseLittle(match, parameters, entries, names, path, manner === 'any')
  await passAll(weights, match.fits, sink)
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

async function passAll(weights: StoredTensors, fits: Match['fits'], sink: WeightSink): Promise<void> {
  const copies: Promise<void>[] = []
  try {
    for (const fit of fits) {
      const { part, index, resizing } = fit
      if (sink.begin) await sink.begin(index, weights.entries.get(part.name)!)
      const place = resizing || part.transposed ? undefined : weights.place(part.name)
      if (place) copies.push(sink.copy(index, place, part.first, elementCount(part.shape)))
      else await passOn(weights, fit, sink)
    }
  } finally {
    // Whoever hears of one that failed closes the file that the others read.
    await Promise.allSettled(copies)
  }
  await Promise.all(copies)
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
async function passOn(weights: StoredTensors, fit: Match['fits'][number], { write }: WeightSink): Promise<void> {
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
