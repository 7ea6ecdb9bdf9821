/** How pictures become a model's input: open_clip's `preprocess_cfg`. */
import type { Resize } from './resizes.js'

/** OpenAI's statistics, which open_clip takes as its default. */
export const OPENAI_MEAN: [number, number, number] = [0.48145466, 0.4578275, 0.40821073]
export const OPENAI_STD: [number, number, number] = [0.26862954, 0.26130258, 0.27577711]

/** A model's `preprocess_cfg`, with open_clip's keys. */
export type PreprocessConfig = {
  /** Side in pixels. */
  size: number
  /** Of the three channels, for values in 0 .. 1. */
  mean: [number, number, number]
  std: [number, number, number]
  interpolation: 'bicubic'
  /** shortest: short side to size, centre crop. longest: letterbox on `fill_color`. squash: both sides to size. */
  resize_mode: 'shortest' | 'longest' | 'squash'
  /** Grey level of the border, 0 to 255; only with `longest`. */
  fill_color?: number
}

/** What the letterbox is pasted on. */
export const LETTERBOX_GREY = 128

export function resizeOf({ resize_mode }: PreprocessConfig): Resize {
  return resize_mode === 'longest' ? 'letterbox' : resize_mode === 'squash' ? 'squash' : 'crop'
}

/** The configuration with another way to fit pictures. */
export function withResize(config: PreprocessConfig, resize: Resize): PreprocessConfig {
  const { fill_color: _, ...rest } = config
  if (resize === 'letterbox') return { ...rest, resize_mode: 'longest', fill_color: LETTERBOX_GREY }
  return { ...rest, resize_mode: resize === 'crop' ? 'shortest' : 'squash' }
}
