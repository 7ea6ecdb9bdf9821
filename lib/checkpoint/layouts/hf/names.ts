/** Names that transformers gives the parts of CLIP's own blocks, in which q, k and v lie apart, and of its image tower. */
import { type ParameterShape, type StoredPart, split, transposed, whole } from '../stored-parts.js'

/** Beginnings of names, the more particular first. */
type Beginnings = readonly (readonly [ours: string, theirs: string])[]

const IMAGE_TOWER: Beginnings = [
  ['visual.class_embedding', 'vision_model.embeddings.class_embedding'],
  ['visual.conv1.', 'vision_model.embeddings.patch_embedding.'],
  ['visual.positional_embedding', 'vision_model.embeddings.position_embedding.weight'],
  ['visual.ln_pre.', 'vision_model.pre_layrnorm.'],
  ['visual.ln_post.', 'vision_model.post_layernorm.'],
  ['visual.transformer.resblocks.', 'vision_model.encoder.layers.'],
]

/** What follows a block's number. BERT's blocks, which are called `encoder.layer`, have other parts. */
const IN_BLOCK: readonly (readonly [ours: string, theirs: string])[] = [
  ['.attn.out_proj.', '.self_attn.out_proj.'],
  ['.ln_1.', '.layer_norm1.'],
  ['.ln_2.', '.layer_norm2.'],
  ['.mlp.c_fc.', '.mlp.fc1.'],
  ['.mlp.c_proj.', '.mlp.fc2.'],
]

/**
 * The names of a class whose image tower is CLIP's.
 * @param textTower beginnings of the names of its text tower
 * @param textProjection the core's name for the matrix that ends it
 */
export function clipLikeParts(
  textTower: Beginnings,
  textProjection: string,
): (parameter: ParameterShape) => StoredPart[] {
  const beginnings = [...IMAGE_TOWER, ...textTower]
  const projections: Readonly<Record<string, string>> = {
    'visual.proj': 'visual_projection.weight',
    [textProjection]: 'text_projection.weight',
  }
  return (parameter) => {
    const projection = projections[parameter.name]
    if (projection) return [transposed(parameter, projection)]
    const beginning = beginnings.find(([ours]) => parameter.name.startsWith(ours))
    if (!beginning) return [whole(parameter, parameter.name)]
    const name = beginning[1] + parameter.name.slice(beginning[0].length)
    return beginning[1].endsWith('.encoder.layers.') ? partsInBlock(parameter, name) : [whole(parameter, name)]
  }
}

/** The tensors of a parameter of a block, whose `name` has its beginning already. */
export function partsInBlock(parameter: ParameterShape, name: string): StoredPart[] {
  const joined = /\.attn\.in_proj_(weight|bias)$/.exec(name)
  if (joined) {
    const block = name.slice(0, joined.index)
    return split(
      parameter,
      ['q', 'k', 'v'].map((part) => `${block}.self_attn.${part}_proj.${joined[1]}`),
    )
  }
  return [
    whole(
      parameter,
      IN_BLOCK.reduce((renamed, [ours, theirs]) => renamed.replace(ours, theirs), name),
    ),
  ]
}
