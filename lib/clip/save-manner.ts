/** How training saves a model. */
import type { SpareArrays } from '../base/spare-arrays.js'
import type { WriteManner } from '../checkpoint/formats/safetensors/writer.js'
import type { Besides } from '../checkpoint/save.js'

export type SaveManner = {
  /** Nothing changes the weights until they are saved: they need not be in memory all at once. */
  still?: boolean
  /** Otherwise: what they are copied into. */
  into?: SpareArrays | undefined
  /** They are there already, from a save that failed. */
  again?: boolean
  /** Looks at each tensor's values before they are written, which wait for it; what it throws ends the save. */
  inspect?: ((name: string, values: Float32Array) => unknown) | undefined
  also?: Besides
  /** As `manner` of `SavedModel`. */
  written?: WriteManner
}
