import { isBuffer } from '../buffers.js'
import type { TensorNames } from '../layout.js'
import { referenceName } from '../reference-cn/names.js'
import { whole } from '../stored-parts.js'

/** The text tower lies under `bert.`, with a pooler that is not made use of. */
export const chineseClipNames: TensorNames = {
  partsOf: (parameter) => [whole(parameter, referenceName(parameter.name).replace(/^transformer\./, 'bert.'))],
  ignores: (name) => isBuffer(name) || name.startsWith('bert.pooler.'),
}
