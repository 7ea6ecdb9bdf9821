/** Names of open_clip's `CustomTextCLIP`: the text tower under `text.`, and image towers of timm under `visual.trunk.`. */
import type { TensorNames } from '../layout.js'
import { type ParameterShape, type StoredPart, split, whole } from '../stored-parts.js'
import { openClipNames } from './names.js'

/** Parts of a block and of the attention pooling, from the core's names to timm's. */
const TIMM: readonly (readonly [RegExp, string])[] = [
  [/\.ln_1\./, '.norm1.'],
  [/\.ln_2\./, '.norm2.'],
  [/\.ln\./, '.norm.'],
  [/\.attn\.in_proj_/, '.attn.qkv.'],
  [/\.attn\.out_proj\./, '.attn.proj.'],
  [/\.mlp\.c_fc\./, '.mlp.fc1.'],
  [/\.mlp\.c_proj\./, '.mlp.fc2.'],
]
const POOL = 'visual.trunk.attn_pool.'

function partsOf(parameter: ParameterShape): StoredPart[] {
  const { name } = parameter
  if (name.startsWith(`${POOL}attn.in_proj_`)) return queryAndRest(parameter, name.slice(`${POOL}attn.in_proj_`.length))
  if (name.startsWith(POOL))
    return [whole(parameter, timm(name.replace('.attn.', '.')).replace('.out_proj.', '.proj.'))]
  if (name.startsWith('visual.trunk.')) return [whole(parameter, timm(name))]
  return [whole(parameter, /^(visual|text)\.|^logit_/.test(name) ? name : `text.${name}`)]
}

function timm(name: string): string {
  return TIMM.reduce((all, [core, theirs]) => all.replace(core, theirs), name)
}

/** The first third is q's, the others are kv's. */
function queryAndRest(parameter: ParameterShape, kind: string): StoredPart[] {
  const [q, k] = split(parameter, [`${POOL}q.${kind}`, `${POOL}kv.${kind}`, '']) as [StoredPart, StoredPart, StoredPart]
  return [q, { ...k, shape: [2 * k.shape[0]!, ...k.shape.slice(1)] }]
}

export const customTextNames: TensorNames = {
  partsOf,
  // Angles of rotary positions, which timm stored once; they follow from the sizes.
  ignores: (name) => openClipNames.ignores(name) || /^visual\.trunk\.(blocks\.\d+\.attn\.)?rope\./.test(name),
}
