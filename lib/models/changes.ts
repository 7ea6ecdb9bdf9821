/** A model with a few numbers of its own, as open_clip's `force_image_size`, `force_context_length` and `force_patch_dropout` do. */
import type { ModelConfig } from './config.js'
import { type Description, describe } from './description.js'

/** What of a model may differ from what its name or folder says. Position embeddings are resized when weights are loaded. */
export type ModelChanges = {
  /** Side of its pictures in pixels, a multiple of the patches'. */
  imageSize?: number | undefined
  /** Tokens of a caption at most, start and end included. */
  contextLength?: number | undefined
  /** Share of each picture's patches that training leaves out. */
  patchDropout?: number | undefined
}

/** @throws ClipwrightError ERR_INVALID_ARGUMENT, ERR_UNSUPPORTED for values that this model cannot have */
export function withChanges(
  given: Description,
  { imageSize, contextLength, patchDropout }: ModelChanges,
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
    text_cfg: { ...text_cfg, ...(contextLength !== undefined && { context_length: contextLength }) },
  } as ModelConfig
  const { size: _, ...preprocess } = given.preprocess
  return describe(config, preprocess, where)
}
