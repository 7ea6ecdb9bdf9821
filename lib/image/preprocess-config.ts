/** How pictures become a model's input: open_clip's `preprocess_cfg`. */
import { z } from 'zod'
import { ClipwrightError } from '../base/errors.js'
import { parseOptions } from '../base/options.js'

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
})

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

/**
 * The configuration with open_clip's defaults (`PreprocessCfg` in `src/open_clip/transform.py`) where keys are missing.
 * @param size the image tower's, which wins over the one given, as in open_clip
 * @param where the file or model it belongs to, for messages
 * @throws ClipwrightError ERR_INVALID_ARGUMENT naming the key, ERR_UNSUPPORTED for a way of resizing that is not there
 */
export function parsePreprocessConfig(value: unknown, size: number, where: string): PreprocessConfig {
  const { mean, std, interpolation, resize_mode, fill_color } = parseOptions(
    schema,
    withoutNulls(value),
    `${where}: preprocess_cfg`,
  )
  if (interpolation !== 'bicubic') throw unsupported(where, `interpolation "${interpolation}"`, '"bicubic"')
  const result = { size, mean, std, interpolation } as const
  if (resize_mode === 'shortest' || resize_mode === 'squash') return { ...result, resize_mode }
  if (resize_mode !== 'longest') {
    throw unsupported(where, `resize_mode "${resize_mode}"`, '"shortest", "longest" and "squash"')
  }
  if (fill_color !== LETTERBOX_GREY) throw unsupported(where, `fill_color ${fill_color}`, String(LETTERBOX_GREY))
  return { ...result, resize_mode, fill_color }
}

/** What the letterbox is pasted on. */
const LETTERBOX_GREY = 128

/** How a picture is fitted to the model's square; `preprocessImage` has the definitions. */
export type Resize = 'crop' | 'letterbox' | 'squash'

export const RESIZES = ['crop', 'letterbox', 'squash'] as const satisfies Resize[]

export function resizeOf({ resize_mode }: PreprocessConfig): Resize {
  return resize_mode === 'longest' ? 'letterbox' : resize_mode === 'squash' ? 'squash' : 'crop'
}

/** The configuration with another way to fit pictures. */
export function withResize(config: PreprocessConfig, resize: Resize): PreprocessConfig {
  const { fill_color: _, ...rest } = config
  if (resize === 'letterbox') return { ...rest, resize_mode: 'longest', fill_color: LETTERBOX_GREY }
  return { ...rest, resize_mode: resize === 'crop' ? 'shortest' : 'squash' }
}

/** open_clip writes null for what a model does not say, and reads it as absent. */
function withoutNulls(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  return Object.fromEntries(Object.entries(value).filter(([, v]) => v !== null))
}

function unsupported(where: string, what: string, supported: string): ClipwrightError {
  return new ClipwrightError(
    'ERR_UNSUPPORTED',
    `${where}: preprocess_cfg: ${what} is not supported yet; supported: ${supported}.`,
  )
}
