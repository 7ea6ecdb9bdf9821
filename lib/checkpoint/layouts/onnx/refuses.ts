import { isBert } from '../../../models/towers/bert.js'
import type { Refusal } from '../layout.js'

/** Of models whose texts no tokenizer here makes to ids: transformers.js could not, either. */
export const refuses: Refusal = ({ text_cfg: text }) => {
  if (!isBert(text) || text.hf_config.model_type === 'bert') return undefined
  return 'its texts go through a SentencePiece tokenizer, which cannot be written'
}
