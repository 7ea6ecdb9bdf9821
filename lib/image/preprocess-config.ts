/** How pictures become a model's input: open_clip's `preprocess_cfg`. */
import { type Convert, type Interpolation, RESIZES, type Resize } from './resizes.js'

/** OpenAI's statistics, which open_clip takes as its default. */
export const OPENAI_MEAN: [number, number, number] = [0.48145466, 0.4578275, 0.40821073]
export const OPENAI_STD: [number, number, number] = [0.26862954, 0.26130258, 0.27577711]

/** A model's `preprocess_cfg`, with open_clip's keys and two of our own, which it ignores. */
export type PreprocessConfig = {
  /** Side in pixels. */
  size: number
  /** Of the three channels, for values in 0 .. 1. */
  mean: [number, number, number]
  std: [number, number, number]
  interpolation: Interpolation
  /**
   * shortest: short side to size, centre crop. longest: long side to size, the rest filled with `fill_color`. squash: both
   * sides to size. letterbox: the reference's, on grey 128; open_clip has no such mode and refuses the folder.
   */
  resize_mode: 'shortest' | 'longest' | 'squash' | 'letterbox'
  /** Grey level of the border, 0 to 255; only with `longest`. */
  fill_color?: number
  /** When pictures become RGB; `after` they are resized where nothing is said, as in open_clip. */
  convert?: Convert
  /** What is seen through transparent pixels, as '#fff'; the colour that lies below them where nothing is said. */
  background?: string
}

const MODES = { crop: 'shortest', letterbox: 'letterbox', pad: 'longest', squash: 'squash' } as const satisfies Record<
  Resize,
  PreprocessConfig['resize_mode']
>

/** What `resize_mode` may be. */
export const RESIZE_MODES = RESIZES.map((resize) => MODES[resize])

export function resizeOf({ resize_mode }: PreprocessConfig): Resize {
  return RESIZES.find((resize) => MODES[resize] === resize_mode)!
}

/** The configuration with another way to fit pictures. */
export function withResize(config: PreprocessConfig, resize: Resize): PreprocessConfig {
  const { fill_color = 0, ...rest } = config
  return { ...rest, resize_mode: MODES[resize], ...(resize === 'pad' && { fill_color }) }
}

/** As `preprocessImage` takes it. */
export function preprocessOptions(config: PreprocessConfig) {
  const { size, interpolation, convert = 'after', background, fill_color: fill } = config
  return {
    size,
    mode: resizeOf(config),
    interpolation,
    convert,
    ...(background !== undefined && { background }),
    ...(fill !== undefined && { fill }),
  }
}
