/** A loose load that takes next to nothing is no load: what is left is a random model. */
import { ClipwrightError } from '../base/errors.js'
import { some } from '../base/shorten.js'
import { elementCount } from './formats/dtypes.js'
import type { TensorInfo } from './formats/safetensors/safetensors.js'
import type { TensorNames } from './layouts/layout.js'
import type { ParameterShape, StoredPart } from './layouts/stored-parts.js'
import type { Match } from './match.js'

/** Of a tower's parameters, below which its weights are taken for another model's. */
const LITTLE = 0.1

/**
 * @param allowPartial whether a tower that the file has may be left almost random; never the whole model
 * @throws ClipwrightError ERR_MISMATCH when no weight of a tower fits, or under a tenth of one that the file has
 */
export function refuseLittle(
  match: Match,
  parameters: readonly ParameterShape[],
  entries: ReadonlyMap<string, TensorInfo>,
  names: TensorNames,
  path: string,
  allowPartial: boolean,
): void {
  const loaded = new Set(match.fits.map(({ part }) => part.name))
  const towers = TOWERS.map(({ what, owns }) => {
    const parts = parameters.filter(({ name }) => owns(name)).flatMap((parameter) => names.partsOf(parameter))
    const there = parts.filter(({ name }) => loaded.has(name))
    return { what, parts, share: elements(there) / elements(parts), isThere: hasSome(parts, entries) }
  })
  if (towers.every(({ share }) => share === 0)) {
    const keys = [...entries.keys()]
    throw new ClipwrightError(
      'ERR_MISMATCH',
      `${path} holds no weight of this model's towers by name and shape (it has ${some(keys, 5)}), so all of it would be random; pass the model that the weights belong to, or key (--key) when they lie deeper in the file.`,
      { keys },
    )
  }
  const little = towers.filter(({ share, isThere }) => isThere && share < LITTLE)
  if (little.length === 0 || allowPartial) return
  const shares = little.map(({ what, share }) => `${percent(share)} of the ${what} tower's parameters`).join(' and ')
  throw new ClipwrightError(
    'ERR_MISMATCH',
    `${path} fits ${shares}, so the rest of it would be random; pass the model that the weights belong to, or allowPartial: true if that is what you want.`,
    { keys: match.missing },
  )
}

const isImage = (name: string) => name.startsWith('visual.')
/** By the core's names; the temperature and the bias belong to neither. */
const TOWERS = [
  { what: 'image', owns: isImage },
  { what: 'text', owns: (name: string) => !isImage(name) && !name.startsWith('logit_') },
]

const elements = (parts: readonly StoredPart[]) => parts.reduce((sum, { shape }) => sum + elementCount(shape), 0)

/** Whether a file has tensors in the places where the layout keeps a tower, whatever they are. */
function hasSome(parts: readonly StoredPart[], entries: ReadonlyMap<string, unknown>): boolean {
  const first = (name: string) => name.split('.')[0]!
  const places = new Set(parts.map(({ name }) => first(name)))
  return [...entries.keys()].some((name) => places.has(first(name)))
}

function percent(share: number): string {
  return share === 0 ? 'none' : `only ${(100 * share).toFixed(share < 0.01 ? 2 : 1)} %`
}
