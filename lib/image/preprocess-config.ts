/** How pictures become a model's input, as open_clip's `preprocess_cfg` has it. */
export type PreprocessConfig = {
  /** Side in pixels. */
  size: number
  /** Of the three channels, for values in 0 .. 1. */
  mean: [number, number, number]
  std: [number, number, number]
  interpolation: 'bicubic'
  /** shortest: short side to size, centre crop. longest: letterbox on `fill_color`. */
  resize_mode: 'shortest' | 'longest'
}

/** OpenAI's statistics, which open_clip takes as its default. */
export const OPENAI_MEAN: [number, number, number] = [0.48145466, 0.4578275, 0.40821073]
export const OPENAI_STD: [number, number, number] = [0.26862954, 0.26130258, 0.27577711]
