/** Why a layout has no form for a model, as several layouts say it. */
import { isBert } from '../../models/towers/bert.js'
import type { Refusal } from './layout.js'

/** Of layouts for the reference's models and Chinese-CLIP's. */
export const needsBert: Refusal = ({ text_cfg: text }) => {
  if (!isBert(text)) return 'its text tower is causal'
  return text.hf_config.model_type === 'bert' ? undefined : 'its names are those of open_clip'
}

export const needsCausal: Refusal = ({ text_cfg: text }) => (isBert(text) ? 'its text tower is a BERT' : undefined)
