/** How a picture becomes a model's input: open_clip's `preprocess_cfg`, key for key. */
import { z } from 'zod'
import { parseOptions } from '../options.js'

const triple = z.tuple([z.number(), z.number(), z.number()])

const schema = z.strictObject({
  size: z.union([z.int().positive(), z.tuple([z.int().positive(), z.int().positive()])]).optional(),
  mode: z.literal('RGB').optional(),
  mean: triple.default([0.48145466, 0.4578275, 0.40821073]),
  std: z
    .tuple([z.number().positive(), z.number().positive(), z.number().positive()])
    .default([0.26862954, 0.26130258, 0.27577711]),
  interpolation: z.literal('bicubic').default('bicubic'),
  resize_mode: z.enum(['shortest', 'longest']).default('shortest'),
  fill_color: z.int().min(0).max(255).optional(),
})

/**
 * open_clip's `preprocess_cfg` (`PreprocessCfg` in `src/open_clip/transform.py`): values are scaled to [0, 1], then
 * (x − mean) / std per channel in RGB order. `resize_mode`: `shortest` resizes the short side and crops the centre,
 * `longest` resizes the long side and fills the rest with `fill_color` (0 to 255).
 */
export type PreprocessConfig = z.output<typeof schema>

/**
 * The configuration with open_clip's defaults (OpenAI's mean and std, bicubic, shortest side) where keys are missing.
 * @throws ClipwrightError ERR_INVALID_ARGUMENT naming the key
 */
export function parsePreprocessConfig(value: unknown, where: string): PreprocessConfig {
  // open_clip writes null for what a model does not say, and reads it as absent.
  const given = value && typeof value === 'object' && !Array.isArray(value)
  const said = given ? Object.fromEntries(Object.entries(value).filter(([, v]) => v !== null)) : value
  return parseOptions(schema, said, `${where}: preprocess_cfg`)
}
