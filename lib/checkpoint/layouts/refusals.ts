/** Why a layout has no form for a model, as several layouts say it. */
import { isBert } from '../../models/towers/bert.js'
import { isEva } from '../../models/towers/eva.js'
import { isSiglip } from '../../models/towers/siglip.js'
import type { Refusal } from './layout.js'

/** Of layouts for the reference's models and Chinese-CLIP's. */
export const needsBert: Refusal = ({ text_cfg: text }) => {
  if (!isBert(text)) return 'its text tower is no BERT'
  return text.hf_config.model_type === 'bert' ? undefined : 'its names are those of open_clip'
}

/** Of layouts of open_clip's `CustomTextCLIP`. */
export const needsCustomText: Refusal = ({ custom_text, text_cfg: text }) =>
  custom_text && !isBert(text) ? undefined : 'its text tower is none of its own'

/** Of layouts whose image tower is CLIP's first one, and nothing says otherwise. */
export const needsPlainVit: Refusal = ({ vision_cfg: vision }) => {
  if (isSiglip(vision)) return "its image tower is SigLIP's"
  if (isEva(vision)) return "its image tower is one of timm's Eva towers, which open_clip alone describes"
  const name = furtherOptions(vision, {
    no_ln_pre: false,
    pool_type: 'tok',
    pos_embed_type: 'learnable',
    ls_init_value: null,
  })
  return name && `its image tower has ${name}, which open_clip alone describes`
}

/** Of layouts for OpenAI's models. */
export const needsOpenAiTowers: Refusal = (config) => {
  const { text_cfg: text } = config
  if (isBert(text)) return 'its text tower is a BERT'
  const plain = {
    no_causal_mask: false,
    pool_type: 'argmax',
    proj_bias: false,
    proj_type: 'linear',
    ls_init_value: null,
  }
  const name = furtherOptions(text, plain)
  return name ? `its text tower has ${name}, which open_clip alone describes` : needsPlainVit(config)
}

/** The first key, with its value, that is not as `plain` says it is when left out. */
function furtherOptions(tower: object, plain: Record<string, unknown>): string | undefined {
  const found = Object.entries(tower).find(([key, value]) => key in plain && (value ?? plain[key]) !== plain[key])
  return found && `${found[0]} ${JSON.stringify(found[1])}`
}
