import { isBert } from '../../../models/towers/bert.js'
import type { Refusal } from '../layout.js'
import { needsOpenAiTowers, needsPlainVit } from '../refusals.js'

/** Of towers that have no graph, and of models whose texts no tokenizer here makes to ids: transformers.js could not, either. */
export const refuses: Refusal = (config) => {
  const { text_cfg: text } = config
  if (!isBert(text)) return needsOpenAiTowers(config)
  if (text.hf_config.model_type !== 'bert')
    return 'its texts go through a SentencePiece tokenizer, which cannot be written'
  return needsPlainVit(config)
}
