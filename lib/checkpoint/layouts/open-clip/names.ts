/** Names of open_clip (`src/open_clip/model.py`). */
import { isBuffer } from '../buffers.js'
import type { TensorNames } from '../layout.js'
import { referenceParts } from '../reference-cn/names.js'
import { same } from '../stored-parts.js'

export const openClipNames: TensorNames = {
  partsOf: same,
  // The causal mask was stored by early versions, in scripts by each block; it follows from the context length.
  ignores: (name) => name === 'attn_mask' || name.endsWith('.attn_mask') || isBuffer(name),
}

/** open_clip has no BERT towers of the reference's kind: what is written of them has the reference's names. */
export const openClipNamesOfReference: TensorNames = { partsOf: referenceParts, ignores: openClipNames.ignores }
