/** Names of Hugging Face's ChineseCLIPModel (transformers `modeling_chinese_clip.py`), which keeps q, k and v apart. */
import { isBuffer } from '../../buffers.js'
import type { TensorNames } from '../../layout.js'
import { type ParameterShape, type StoredPart, split, transposed, whole } from '../../stored-parts.js'

/** Beginnings of names, the more particular first. */
const BEGINNINGS: readonly (readonly [ours: string, theirs: string])[] = [
  ['visual.class_embedding', 'vision_model.embeddings.class_embedding'],
  ['visual.conv1.', 'vision_model.embeddings.patch_embedding.'],
  ['visual.positional_embedding', 'vision_model.embeddings.position_embedding.weight'],
  ['visual.ln_pre.', 'vision_model.pre_layrnorm.'],
  ['visual.ln_post.', 'vision_model.post_layernorm.'],
  ['visual.transformer.resblocks.', 'vision_model.encoder.layers.'],
  ['text.transformer.', 'text_model.'],
]

/** What follows a block's number in the image tower. */
const IN_BLOCK: readonly (readonly [ours: string, theirs: string])[] = [
  ['.attn.out_proj.', '.self_attn.out_proj.'],
  ['.ln_1.', '.layer_norm1.'],
  ['.ln_2.', '.layer_norm2.'],
  ['.mlp.c_fc.', '.mlp.fc1.'],
  ['.mlp.c_proj.', '.mlp.fc2.'],
]

const PROJECTIONS: Readonly<Record<string, string>> = {
  'visual.proj': 'visual_projection.weight',
  'text.proj.weight': 'text_projection.weight',
}

export const hfChineseClipNames: TensorNames = {
  partsOf,
  // A pooler that ChineseCLIPModel never made use of.
  ignores: (name) => isBuffer(name) || name.startsWith('text_model.pooler.'),
}

function partsOf(parameter: ParameterShape): StoredPart[] {
  const projection = PROJECTIONS[parameter.name]
  if (projection) return [transposed(parameter, projection)]
  let name = parameter.name
  const beginning = BEGINNINGS.find(([ours]) => name.startsWith(ours))
  if (beginning) name = beginning[1] + name.slice(beginning[0].length)
  if (!name.startsWith('vision_model.encoder.')) return [whole(parameter, name)]
  const joined = /\.attn\.in_proj_(weight|bias)$/.exec(name)
  if (joined) {
    const block = name.slice(0, joined.index)
    return split(
      parameter,
      ['q', 'k', 'v'].map((part) => `${block}.self_attn.${part}_proj.${joined[1]}`),
    )
  }
  for (const [ours, theirs] of IN_BLOCK) name = name.replace(ours, theirs)
  return [whole(parameter, name)]
}
