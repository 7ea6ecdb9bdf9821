/** Data as a run is told it: one source, or several with their weights, drawn with or without replacement. */
import { resolve } from 'node:path'
import { ClipwrightError, invalid } from '../base/errors.js'
import { optionName } from '../base/option-names.js'
import { MixedSource } from './mixed.js'
import { openSource } from './open.js'
import { isRemote } from './places/open-file.js'
import { ResampledSource } from './resampled.js'
import type { DataSource, SourceOptions } from './source.js'

export type Mixture = {
  /** How much of an epoch each source has, in relation to the others. */
  weights?: readonly number[] | undefined
  /** Draw with replacement. */
  resampled?: boolean
}

const isSamePlace = (a: string, b: string) => a === b || (!isRemote(a) && !isRemote(b) && resolve(a) === resolve(b))

/**
 * @throws ClipwrightError as `openSource`, ERR_INVALID_ARGUMENT when there are not as many weights as sources, ERR_DATA for a source
 *   that is named twice without weights
 */
export async function openAll(
  paths: string | readonly string[],
  options: SourceOptions,
  { weights, resampled = false }: Mixture = {},
): Promise<DataSource> {
  const all = [paths].flat()
  if (weights !== undefined && weights.length !== all.length) {
    throw invalid(
      `${optionName('dataWeights')}: expected a weight for each of ${all.length} sources in ${optionName('data')}, got ${weights.length}`,
    )
  }
  // With weights it is meant; without, nobody would see it.
  const twice = weights === undefined && all.find((path, i) => all.findIndex((one) => isSamePlace(one, path)) < i)
  if (twice)
    throw new ClipwrightError(
      'ERR_DATA',
      `${optionName('data')} names ${twice} twice, so that its samples would count double; remove one of them, or say how much of an epoch each source has with ${optionName('dataWeights')}`,
    )
  const sources: DataSource[] = []
  for (const path of all) sources.push(await openSource(path, options))
  const [first, ...others] = sources as [DataSource, ...DataSource[]]
  if (others.length === 0 && !resampled) return first
  const endless = sources.find(({ size }) => size === undefined)
  if (endless)
    throw new ClipwrightError('ERR_DATA', `${endless.path} does not say how many pictures it holds, which mixing needs`)
  const whole = others.length === 0 ? first : new MixedSource(sources, resampled ? undefined : weights)
  return resampled ? new ResampledSource(whole, sources, weights) : whole
}
