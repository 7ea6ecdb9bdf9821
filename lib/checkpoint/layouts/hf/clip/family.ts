/** `CLIPModel` (transformers `modeling_clip.py`): OpenAI's models, and many of open_clip's, as Hugging Face publishes them. */
import { isBert } from '../../../../models/towers/bert.js'
import { needsOpenAiTowers } from '../../refusals.js'
import type { HfFamily } from '../family.js'
import { fromClip, isPooledAtEnd, MODEL_TYPE, toClip } from './config.js'
import { hfClipNames } from './names.js'
import { readClipTokenizer, writeClipTokenizer } from './tokenizer.js'

export const clip: HfFamily = {
  modelType: MODEL_TYPE,
  names: hfClipNames,
  refuses(config) {
    const { text_cfg: text } = config
    if (isBert(text)) return "CLIPModel's text tower is causal"
    if (text.hf_tokenizer_name) return "CLIPModel's tokenizer is CLIP's"
    return needsOpenAiTowers(isPooledAtEnd(text) ? { ...config, text_cfg: { ...text, pool_type: 'argmax' } } : config)
  },
  imageProcessor: 'CLIPImageProcessor',
  resizeMode: 'shortest',
  fromConfig: fromClip,
  toConfig: toClip,
  readTokenizer: readClipTokenizer,
  writeTokenizer: writeClipTokenizer,
}
