/** Why a layout has no form for a model, as several layouts say it. */
import { isBert } from '../../models/towers/bert.js'
import { isSiglip } from '../../models/towers/siglip.js'
import type { Refusal } from './layout.js'

/** Of layouts for the reference's models and Chinese-CLIP's. */
export const needsBert: Refusal = ({ text_cfg: text }) => {
  if (!isBert(text)) return 'its text tower is causal'
  return text.hf_config.model_type === 'bert' ? undefined : 'its names are those of open_clip'
}

export const needsCausal: Refusal = ({ text_cfg: text }) => (isBert(text) ? 'its text tower is a BERT' : undefined)

/** Of layouts of open_clip's `CustomTextCLIP`. */
export const needsCustomText: Refusal = ({ custom_text, text_cfg: text }) =>
  custom_text && !isBert(text) ? undefined : 'its text tower is none of its own'

/** Of layouts for towers that open_clip builds itself. */
export const needsOwnVit: Refusal = ({ vision_cfg: vision }) =>
  isSiglip(vision) ? "its image tower is SigLIP's" : undefined
