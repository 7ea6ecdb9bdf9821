import { isBuffer } from '../buffers.js'
import type { TensorNames } from '../layout.js'
import { same } from '../stored-parts.js'

export const referenceNames: TensorNames = { partsOf: same, ignores: isBuffer }
