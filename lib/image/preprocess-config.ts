/** How pictures become a model's input: open_clip's `preprocess_cfg`. */
import { z } from 'zod'
import { ClipwrightError } from '../base/errors.js'
import { parseOptions } from '../base/options.js'
import { colourSchema } from './colour.js'
import { CONVERTS, type Convert, INTERPOLATIONS, type Interpolation } from './resize.js'

/** OpenAI's statistics, which open_clip takes as its default. */
export const OPENAI_MEAN: [number, number, number] = [0.48145466, 0.4578275, 0.40821073]
export const OPENAI_STD: [number, number, number] = [0.26862954, 0.26130258, 0.27577711]

const scale = z.number().positive()

const schema = z.strictObject({
  size: z.unknown().optional(),
  mode: z.literal('RGB').optional(),
  mean: z.tuple([z.number(), z.number(), z.number()]).default(OPENAI_MEAN),
  std: z.tuple([scale, scale, scale]).default(OPENAI_STD),
  interpolation: z.string().default('bicubic'),
  resize_mode: z.string().default('shortest'),
  fill_color: z.int().min(0).max(255).default(0),
  convert: z.enum(CONVERTS).default('after'),
  background: colourSchema.optional(),
})

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

/**
 * The configuration with open_clip's defaults (`PreprocessCfg` in `src/open_clip/transform.py`) where keys are missing.
 * @param size the image tower's, which wins over the one given, as in open_clip
 * @param where the file or model it belongs to, for messages
 * @throws ClipwrightError ERR_INVALID_ARGUMENT naming the key, ERR_UNSUPPORTED for a way of resizing that is not there
 */
export function parsePreprocessConfig(value: unknown, size: number, where: string): PreprocessConfig {
  const { mean, std, interpolation, resize_mode, fill_color, convert, background } = parseOptions(
    schema,
    withoutNulls(value),
    `${where}: preprocess_cfg`,
  )
  if (!isOneOf(INTERPOLATIONS, interpolation)) throw unsupported(where, 'interpolation', interpolation, INTERPOLATIONS)
  const modes = RESIZES.map((resize) => MODES[resize])
  if (!isOneOf(modes, resize_mode)) throw unsupported(where, 'resize_mode', resize_mode, modes)
  return {
    size,
    mean,
    std,
    interpolation,
    resize_mode,
    ...(resize_mode === 'longest' && { fill_color }),
    ...(convert === 'before' && { convert }),
    ...(background !== undefined && { background }),
  }
}

/** How a picture is fitted to the model's square; `preprocessImage` has the definitions. */
export type Resize = 'crop' | 'letterbox' | 'pad' | 'squash'

export const RESIZES = ['crop', 'letterbox', 'pad', 'squash'] as const satisfies Resize[]

const MODES = { crop: 'shortest', letterbox: 'letterbox', pad: 'longest', squash: 'squash' } as const satisfies Record<
  Resize,
  PreprocessConfig['resize_mode']
>

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

function isOneOf<T extends string>(choices: readonly T[], value: string): value is T {
  return (choices as readonly string[]).includes(value)
}

/** open_clip writes null for what a model does not say, and reads it as absent. */
function withoutNulls(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  return Object.fromEntries(Object.entries(value).filter(([, v]) => v !== null))
}

function unsupported(where: string, key: string, value: string, choices: readonly string[]): ClipwrightError {
  const supported = choices.map((choice) => `"${choice}"`).join(', ')
  return new ClipwrightError(
    'ERR_UNSUPPORTED',
    `${where}: preprocess_cfg: ${key} "${value}" is not supported yet; supported: ${supported}.`,
  )
}
