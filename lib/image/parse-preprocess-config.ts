/** A `preprocess_cfg` as files have it, checked. */
import { z } from 'zod'
import { ClipwrightError } from '../base/errors.js'
import { parseOptions } from '../base/options.js'
import { LETTERBOX_GREY, OPENAI_MEAN, OPENAI_STD, type PreprocessConfig } from './preprocess-config.js'

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
