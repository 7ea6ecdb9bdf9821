/** `ChineseCLIPModel` (transformers `modeling_chinese_clip.py`). */
import { isBert } from '../../../../models/towers/bert.js'
import type { Refusal } from '../../layout.js'
import { needsBert, needsOwnVit } from '../../refusals.js'
import { readBertTokenizer, writeBertTokenizer } from '../bert-tokenizer.js'
import type { HfFamily } from '../family.js'
import { fromChineseClip, MODEL_TYPE, toChineseClip } from './config.js'
import { hfChineseClipNames } from './names.js'

const refuses: Refusal = (config) => {
  const { text_cfg: text } = config
  if (!isBert(text)) return needsBert(config)
  if (text.pooler !== 'cls') return `ChineseCLIPModel has no pooler "${text.pooler}"`
  if (text.ln_final) return 'ChineseCLIPModel has no ln_final'
  if (text.proj !== 'linear') return `ChineseCLIPModel has no projection "${text.proj}"`
  return needsBert(config) ?? needsOwnVit(config)
}

export const chineseClip: HfFamily = {
  modelType: MODEL_TYPE,
  names: hfChineseClipNames,
  refuses,
  imageProcessor: 'ChineseCLIPImageProcessor',
  // Chinese-CLIP's models all squash pictures.
  resizeMode: 'squash',
  fromConfig: fromChineseClip,
  toConfig: toChineseClip,
  readTokenizer: readBertTokenizer,
  writeTokenizer: writeBertTokenizer,
}
