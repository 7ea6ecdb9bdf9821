/** `SiglipModel` (transformers `modeling_siglip.py`): SigLIP and, with pictures of one size, SigLIP 2. */
import { isBert } from '../../../../models/towers/bert.js'
import { isSiglip } from '../../../../models/towers/siglip.js'
import type { Refusal } from '../../layout.js'
import type { HfFamily } from '../family.js'
import { readJsonTokenizer } from '../json-tokenizer.js'
import { fromSiglip, MODEL_TYPE, toSiglip } from './config.js'
import { hfSiglipNames } from './names.js'

const refuses: Refusal = ({ vision_cfg: vision, text_cfg: text, init_logit_bias: bias }) => {
  if (!isSiglip(vision)) return "SiglipModel's image tower is SigLIP's"
  if (isBert(text) || !text.no_causal_mask || text.pool_type !== 'last' || !text.proj_bias) {
    return "SiglipModel's text tower has no causal mask, its last row pooled and a projection with a bias"
  }
  return typeof bias === 'number' ? undefined : 'SiglipModel has a logit_bias'
}

export const siglip: HfFamily = {
  modelType: MODEL_TYPE,
  names: hfSiglipNames,
  refuses,
  imageProcessor: 'SiglipImageProcessor',
  resizeMode: 'squash',
  imageDefaults: { mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5], resize_mode: 'squash' },
  logitBias: true,
  fromConfig: fromSiglip,
  toConfig: toSiglip,
  readTokenizer: (folder) => readJsonTokenizer(folder, { padId: 1, vocabSize: 32000 }),
  // That of a tokenizer.json is written for all families alike.
  writeTokenizer: async () => {},
}
