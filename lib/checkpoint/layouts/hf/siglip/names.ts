/** Names of Hugging Face's SiglipModel (transformers `modeling_siglip.py`). */
import { isBuffer } from '../../buffers.js'
import type { TensorNames } from '../../layout.js'
import { type ParameterShape, type StoredPart, whole } from '../../stored-parts.js'
import { partsInBlock } from '../names.js'

/** Beginnings of names, the more particular first. */
const BEGINNINGS: readonly (readonly [ours: string, theirs: string])[] = [
  ['visual.trunk.patch_embed.proj.', 'vision_model.embeddings.patch_embedding.'],
  ['visual.trunk.pos_embed', 'vision_model.embeddings.position_embedding.weight'],
  ['visual.trunk.blocks.', 'vision_model.encoder.layers.'],
  ['visual.trunk.norm.', 'vision_model.post_layernorm.'],
  ['visual.trunk.attn_pool.latent', 'vision_model.head.probe'],
  ['visual.trunk.attn_pool.attn.', 'vision_model.head.attention.'],
  ['visual.trunk.attn_pool.ln.', 'vision_model.head.layernorm.'],
  ['visual.trunk.attn_pool.mlp.c_fc.', 'vision_model.head.mlp.fc1.'],
  ['visual.trunk.attn_pool.mlp.c_proj.', 'vision_model.head.mlp.fc2.'],
  ['token_embedding.', 'text_model.embeddings.token_embedding.'],
  ['positional_embedding', 'text_model.embeddings.position_embedding.weight'],
  ['transformer.resblocks.', 'text_model.encoder.layers.'],
  ['ln_final.', 'text_model.final_layer_norm.'],
  ['text_projection.', 'text_model.head.'],
]

export const hfSiglipNames: TensorNames = { partsOf, ignores: isBuffer }

function partsOf(parameter: ParameterShape): StoredPart[] {
  const beginning = BEGINNINGS.find(([ours]) => parameter.name.startsWith(ours))
  if (!beginning) return [{ ...whole(parameter, parameter.name), shape: [1] }] // logit_scale and logit_bias
  const [ours, theirs] = beginning
  const name = theirs + parameter.name.slice(ours.length)
  if (theirs.endsWith('.encoder.layers.')) return partsInBlock(parameter, name)
  // timm keeps its positions as a batch of one.
  if (ours === 'visual.trunk.pos_embed') return [{ ...whole(parameter, name), shape: parameter.shape.slice(1) }]
  return [whole(parameter, name)]
}
