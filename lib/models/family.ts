/** What kind of model a configuration describes, in a few words. */
import type { ModelConfig } from './config.js'
import { isBert } from './towers/bert.js'

const BERTS = { bert: 'BERT', roberta: 'RoBERTa', 'xlm-roberta': 'XLM-RoBERTa' } as const

/** `CLIP`, or `CLIP with a BERT text tower`. */
export function familyOf({ text_cfg: text }: ModelConfig): string {
  return isBert(text) ? `CLIP with a ${BERTS[text.hf_config.model_type]} text tower` : 'CLIP'
}
