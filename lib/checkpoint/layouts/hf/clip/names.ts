/** Names of Hugging Face's CLIPModel (transformers `modeling_clip.py`). */
import { isBuffer } from '../../buffers.js'
import type { TensorNames } from '../../layout.js'
import { clipLikeParts } from '../names.js'

export const hfClipNames: TensorNames = {
  partsOf: clipLikeParts(
    [
      ['token_embedding.', 'text_model.embeddings.token_embedding.'],
      ['positional_embedding', 'text_model.embeddings.position_embedding.weight'],
      ['transformer.resblocks.', 'text_model.encoder.layers.'],
      ['ln_final.', 'text_model.final_layer_norm.'],
    ],
    'text_projection',
  ),
  ignores: isBuffer,
}
