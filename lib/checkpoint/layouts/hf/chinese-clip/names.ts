/** Names of Hugging Face's ChineseCLIPModel (transformers `modeling_chinese_clip.py`), which keeps q, k and v apart. */
import { isBuffer } from '../../buffers.js'
import type { TensorNames } from '../../layout.js'
import { clipLikeParts } from '../names.js'

export const hfChineseClipNames: TensorNames = {
  partsOf: clipLikeParts([['text.transformer.', 'text_model.']], 'text.proj.weight'),
  // A pooler that ChineseCLIPModel never made use of.
  ignores: (name) => isBuffer(name) || name.startsWith('text_model.pooler.'),
}
