import { isBert } from '../../../models/towers/bert.js'
import type { Refusal } from '../layout.js'
import { needsOpenAiTowers, needsPlainVit } from '../refusals.js'

/** Of towers that have no graph. */
export const refuses: Refusal = (config) => {
  const { text_cfg: text } = config
  if (!isBert(text)) return needsOpenAiTowers(config)
  if (text.hf_config.model_type !== 'bert') return 'there is no graph for positions that begin behind the id of padding'
  return needsPlainVit(config)
}
