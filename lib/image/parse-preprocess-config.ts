/** A `preprocess_cfg` as files have it, checked. */
import { z } from 'zod'
import { ClipwrightError } from '../base/errors.js'
import { parseOptions } from '../base/options.js'
import { COLOUR, COLOUR_EXPECTED } from './colour.js'
import { OPENAI_MEAN, OPENAI_STD, type PreprocessConfig, RESIZE_MODES } from './preprocess-config.js'
import { CONVERTS, INTERPOLATIONS } from './resizes.js'

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
  background: z.string().regex(COLOUR, { error: COLOUR_EXPECTED }).optional(),
})

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
  if (!isOneOf(RESIZE_MODES, resize_mode)) throw unsupported(where, 'resize_mode', resize_mode, RESIZE_MODES)
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

/** open_clip writes null for what a model does not say, and reads it as absent. */
function withoutNulls(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  return Object.fromEntries(Object.entries(value).filter(([, v]) => v !== null))
}

function isOneOf<T extends string>(choices: readonly T[], value: string): value is T {
  return (choices as readonly string[]).includes(value)
}

function unsupported(where: string, key: string, value: string, choices: readonly string[]): ClipwrightError {
  const supported = choices.map((choice) => `"${choice}"`).join(', ')
  return new ClipwrightError(
    'ERR_UNSUPPORTED',
    `${where}: preprocess_cfg: ${key} "${value}" is not supported yet; supported: ${supported}.`,
  )
}
