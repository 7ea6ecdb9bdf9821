import { isBert } from '../../../models/towers/bert.js'
import { isSiglip } from '../../../models/towers/siglip.js'
import type { Refusal } from '../layout.js'
import { needsPlainVit } from '../refusals.js'

/** Of towers that have no graph. */
export const refuses: Refusal = (config) => {
  const { vision_cfg: vision, text_cfg: text } = config
  if (!isBert(text)) {
    if (typeof text.ls_init_value === 'number') return 'its text tower has LayerScale, which has no graph'
    return isSiglip(vision) ? undefined : needsPlainVit(config)
  }
  return needsPlainVit(config)
}
