/** `CLIPModel` (transformers `modeling_clip.py`): OpenAI's models, and many of open_clip's, as Hugging Face publishes them. */
import { isBert } from '../../../../models/towers/bert.js'
import { needsOpenAiTowers } from '../../refusals.js'
import type { HfFamily } from '../family.js'
import { fromClip, MODEL_TYPE, toClip } from './config.js'
import { hfClipNames } from './names.js'
import { readClipTokenizer, writeClipTokenizer } from './tokenizer.js'

export const clip: HfFamily = {
  modelType: MODEL_TYPE,
  names: hfClipNames,
  refuses: (config) => (isBert(config.text_cfg) ? "CLIPModel's text tower is causal" : needsOpenAiTowers(config)),
  imageProcessor: 'CLIPImageProcessor',
  resizeMode: 'shortest',
  fromConfig: fromClip,
  toConfig: toClip,
  readTokenizer: readClipTokenizer,
  writeTokenizer: writeClipTokenizer,
}
