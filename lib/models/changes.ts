/** A model with a few numbers of its own, as open_clip's `force_image_size`, `force_context_length` and `force_patch_dropout` do. */
import { invalid } from '../base/errors.js'
import type { ModelConfig } from './config.js'
import { type Description, describe } from './description.js'
import { isBert } from './towers/bert.js'

/** What of a model may differ from what its name or folder says. Position embeddings are resized when weights are loaded. */
export type ModelChanges = {
  /** Side of its pictures in pixels, a multiple of the patches'. */
  imageSize?: number | undefined
  /** Tokens of a caption at most, start and end included. */
  contextLength?: number | undefined
  /** Share of each picture's patches that training leaves out. */
  patchDropout?: number | undefined
  /** Rate of dropout in training, in place of both rates of a BERT-like text tower. */
  dropout?: number | undefined
}

/** @throws ClipwrightError ERR_INVALID_ARGUMENT, ERR_UNSUPPORTED for values that this model cannot have */
export function withChanges(
  given: Description,
  { imageSize, contextLength, patchDropout, dropout }: ModelChanges,
  where: string,
): Description {
  const { vision_cfg, text_cfg } = given.config
  const config = {
    ...given.config,
    vision_cfg: {
      ...vision_cfg,
      ...(imageSize !== undefined && { image_size: imageSize }),
      ...(patchDropout !== undefined && { patch_dropout: patchDropout }),
    },
    text_cfg: {
      ...text_cfg,
      ...(contextLength !== undefined && { context_length: contextLength }),
      ...(dropout !== undefined && textDropout(text_cfg, dropout, where)),
    },
  } as ModelConfig
  const { size: _, ...preprocess } = given.preprocess
  return describe(config, preprocess, where)
}

/** What a text tower's configuration says of this rate. Those that have no dropout can be told that it is 0. */
function textDropout(text: ModelConfig['text_cfg'], rate: number, where: string) {
  if (isBert(text)) {
    return { hf_config: { ...text.hf_config, hidden_dropout_prob: rate, attention_probs_dropout_prob: rate } }
  }
  if (rate === 0) return {}
  throw invalid(
    `${where}: option "dropout": this model has no dropout, which only BERT-like text towers have; leave it away (patchDropout leaves out patches of pictures)`,
  )
}
