/** Names of the reference, whose BERT tower lies at the model's root and is projected by a matrix of its own. */
import { isBuffer } from '../buffers.js'
import type { TensorNames } from '../layout.js'
import { type ParameterShape, type StoredPart, whole } from '../stored-parts.js'

/** `text.transformer.…` → `transformer.…`, `text.proj.weight` → `text_projection`; other parameters keep their names. */
export function referenceName(name: string): string {
  return name.replace(/^text\.proj(\.weight$)?/, 'text_projection').replace(/^text\./, '')
}

export const referenceParts = (parameter: ParameterShape): StoredPart[] => [
  whole(parameter, referenceName(parameter.name)),
]

export const referenceNames: TensorNames = { partsOf: referenceParts, ignores: isBuffer }
