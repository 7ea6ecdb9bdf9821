/** Whether the tensors of a file are the parameters of a model. */
import { ClipwrightError } from '../base/errors.js'
import { some } from '../base/shorten.js'
import { isDtype } from './formats/dtypes.js'
import type { TensorInfo } from './formats/safetensors/safetensors.js'
import type { TensorNames } from './layouts/layout.js'
import type { ParameterShape, StoredPart } from './layouts/stored-parts.js'
import { isIgnored } from './layouts/table.js'
import { type Resizing, resizingOf } from './position-embeddings.js'

export type Match = {
  /** Index of each parameter that the file has, or has a part of, and what it has. */
  fits: { index: number; part: StoredPart; resizing?: Resizing }[]
  /** Parameters that the file lacks, in the file's names. */
  missing: string[]
  /** Tensors that belong to no parameter. */
  extra: string[]
  /** Tensors of the wrong shape or type, and what is wrong: `is [3, 2], not [2, 3]`. */
  wrong: { name: string; what: string }[]
  /** Of those, the tensors of the right shape whose elements cannot be read. */
  unread: string[]
}

const FLOATS = new Set(['F16', 'BF16', 'F32', 'F64'])

export function matchTensors(
  parameters: readonly ParameterShape[],
  entries: ReadonlyMap<string, TensorInfo>,
  names: TensorNames,
): Match {
  const match: Match = { fits: [], missing: [], extra: [], wrong: [], unread: [] }
  const expected = new Set<string>()
  for (const [index, parameter] of parameters.entries()) {
    for (const part of names.partsOf(parameter)) {
      const { name, shape } = part
      expected.add(name)
      const entry = entries.get(name)
      if (!entry) match.missing.push(name)
      else if (!FLOATS.has(entry.dtype) && !entry.scaled) {
        match.wrong.push({ name, what: `is ${entry.dtype}, not floats` })
        if (!isDtype(entry.dtype) && sameShape(entry.shape, shape)) match.unread.push(name)
      } else if (!sameShape(entry.shape, shape)) {
        const resizing = part.transposed ? undefined : resizingOf(parameter.name, entry.shape, shape)
        if (resizing) {
          match.fits.push({ index, part, resizing })
          continue
        }
        match.wrong.push({ name, what: `is [${entry.shape.join(', ')}], not [${shape.join(', ')}]` })
      } else match.fits.push({ index, part })
    }
  }
  match.extra = [...entries.keys()].filter((name) => !expected.has(name) && !isIgnored(names, name))
  return match
}

/** In a message; the error has all of them. */
const MOST_NAMES = 5

/**
 * Throws ERR_MISMATCH when the file and the model differ in any tensor; the error's `keys` name all of them.
 * @param fitting names of the models that the file's tensors are
 */
export function requireMatch(match: Match, path: string, fitting: () => string[]): void {
  const { missing, extra, wrong } = match
  const keys = [...missing, ...extra, ...wrong.map(({ name }) => name)]
  if (keys.length === 0) return
  const names = fitting()
  const offer = names.length > 0 ? ` (by their shapes ${names.join(' or ')})` : ''
  throw new ClipwrightError(
    'ERR_MISMATCH',
    `${path} does not hold this model: ${differences(match)}; pass the model that the weights belong to${offer}, or strict: false to load what fits.`,
    { keys },
  )
}

/** What does not fit, kind by kind, with a few names among them all. */
function differences({ missing, extra, wrong }: Match): string {
  const kinds = [
    { what: 'missing', names: missing },
    { what: 'unexpected', names: extra },
    { what: 'of another shape or type', names: wrong.map(({ name, what }) => `${name} ${what}`) },
  ].filter(({ names }) => names.length > 0)
  const shown = kinds.map(() => 0)
  // In turn, so that each kind has some.
  for (let left = MOST_NAMES, i = 0; left > 0 && i < MOST_NAMES * kinds.length; i++) {
    const kind = i % kinds.length
    if (shown[kind]! === kinds[kind]!.names.length) continue
    shown[kind]!++
    left--
  }
  return kinds.map(({ what, names }, i) => `${names.length} ${what} (${some(names, shown[i]!)})`).join('; ')
}

/** A scalar may be stored as [] or [1]. */
function sameShape(a: readonly number[], b: readonly number[]): boolean {
  const [x, y] = [a, b].map((shape) => (shape.length === 0 ? [1] : shape)) as [readonly number[], readonly number[]]
  return x.length === y.length && x.every((size, i) => size === y[i])
}
