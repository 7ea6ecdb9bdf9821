/**
 * How pictures become a model's input, as transformers keeps it: `preprocessor_config.json`, or since version 5 the
 * `image_processor` in `processor_config.json`.
 */
import { join } from 'node:path'
import { z } from 'zod'
import { ClipwrightError } from '../../../base/errors.js'
import { notAsExpected } from '../../../files/json.js'
import { parsePreprocessConfig } from '../../../image/parse-preprocess-config.js'
import type { PreprocessConfig } from '../../../image/preprocess-config.js'

import { CONVERTS, INTERPOLATIONS } from '../../../image/resizes.js'
import { asFormatError } from '../as-format-error.js'
import type { HfFamily } from './family.js'
import { type FileWriter, readJson } from './files.js'

/** Written into every saved folder: what tells such a folder from one that only happens to have a config.json. */
export const HF_PREPROCESSOR_NAME = 'preprocessor_config.json'
export const HF_PROCESSOR_NAME = 'processor_config.json'

/** Pillow's numbers. */
const RESAMPLE = { bilinear: 2, bicubic: 3 } as const

const side = z.int().positive()
const square = z.looseObject({ height: side, width: side })
const schema = z.looseObject({
  image_mean: z.array(z.number()).length(3).optional(),
  image_std: z.array(z.number().positive()).length(3).optional(),
  resample: z.int().default(RESAMPLE.bicubic),
  do_convert_rgb: z.boolean().default(true),
  convert: z.enum(CONVERTS).optional(),
  background: z.string().optional(),
  do_resize: z.boolean().default(true),
  do_center_crop: z.boolean().default(true),
  do_rescale: z.boolean().default(true),
  do_normalize: z.boolean().default(true),
  size: z.union([side, z.looseObject({ shortest_edge: side }), square]).optional(),
  crop_size: z.union([side, square]).optional(),
})

/**
 * Without such a file as the family has it; keys that it lacks have the class's defaults.
 * @param size of the image tower, in pixels
 * @throws ClipwrightError ERR_FORMAT, ERR_UNSUPPORTED, ERR_IO
 */
export async function readHfPreprocessor(
  { resizeMode, imageDefaults }: HfFamily,
  folder: string,
  size: number,
): Promise<PreprocessConfig> {
  const { path, value } = await findPreprocessor(folder)
  if (value === undefined) return parsePreprocessConfig({ ...imageDefaults, resize_mode: resizeMode }, size, path)
  const parsed = schema.safeParse(value)
  if (!parsed.success) throw notAsExpected(path, parsed.error)
  const odd = unusual(parsed.data, size)
  if (odd) {
    const message = `${path}: ${odd} is not supported; pictures are resized (bicubic or bilinear) and cropped to the ${size} pixels of the image tower, then normalized.`
    throw new ClipwrightError('ERR_UNSUPPORTED', message)
  }
  const { image_mean: mean = imageDefaults?.mean, image_std: std = imageDefaults?.std } = parsed.data
  const { size: target, resample, background } = parsed.data
  // transformers makes pictures RGB first, when it does; folders of ours say so where their model has it otherwise.
  const convert = parsed.data.convert ?? (parsed.data.do_convert_rgb ? 'before' : 'after')
  // A square's central square is all of it, so do_center_crop changes nothing there.
  const squash = typeof target === 'object' && 'height' in target
  const byDefault = imageDefaults?.resize_mode ?? 'shortest'
  const resize_mode = target === undefined ? byDefault : squash ? 'squash' : 'shortest'
  const interpolation = interpolationOf(resample)
  return asFormatError(() =>
    parsePreprocessConfig({ mean, std, resize_mode, interpolation, convert, background }, size, path),
  )
}

/** What it asks for that would change pictures in a way that no model here sees them. */
function unusual(said: z.infer<typeof schema>, size: number): string | undefined {
  const always = ['do_resize', 'do_rescale', 'do_normalize'] as const
  const off = always.find((key) => !said[key])
  if (off) return `"${off}": false`
  if (interpolationOf(said.resample) === undefined) return `"resample": ${said.resample}`
  const other = (['size', 'crop_size'] as const)
    .filter((key) => key === 'size' || said.do_center_crop)
    .find((key) => said[key] !== undefined && sidesOf(said[key]).some((pixels) => pixels !== size))
  return other && `"${other}": ${JSON.stringify(said[other])}`
}

const sidesOf = (size: number | Record<string, unknown>) =>
  typeof size === 'number' ? [size] : ['shortest_edge', 'height', 'width'].flatMap((key) => size[key] ?? [])

const interpolationOf = (resample: number) => INTERPOLATIONS.find((name) => RESAMPLE[name] === resample)

/** The newer file wins, as in transformers. */
async function findPreprocessor(folder: string): Promise<{ path: string; value: unknown }> {
  const whole = join(folder, HF_PROCESSOR_NAME)
  const inner = (Object(await readJson(whole)) as { image_processor?: unknown }).image_processor
  if (inner !== undefined) return { path: whole, value: inner }
  const path = join(folder, HF_PREPROCESSOR_NAME)
  return { path, value: await readJson(path) }
}

/** @throws ClipwrightError ERR_UNSUPPORTED for pictures with a border, which no such file can say */
export async function writeHfPreprocessor(
  { imageProcessor }: Pick<HfFamily, 'imageProcessor'>,
  preprocess: PreprocessConfig,
  write: FileWriter,
  layout = 'hf',
): Promise<void> {
  const { size, mean, std, resize_mode, interpolation, convert = 'after', background } = preprocess
  if (resize_mode === 'longest' || resize_mode === 'letterbox') {
    const message = `Layout "${layout}" cannot say that pictures are letterboxed; save the model in its own layout.`
    throw new ClipwrightError('ERR_UNSUPPORTED', message)
  }
  const square = { height: size, width: size }
  await write(HF_PREPROCESSOR_NAME, {
    image_processor_type: imageProcessor,
    do_convert_rgb: true,
    // Not transformers' keys, which makes pictures RGB before it resizes them.
    ...(convert === 'after' && { convert }),
    ...(background !== undefined && { background }),
    do_resize: true,
    size: resize_mode === 'squash' ? square : { shortest_edge: size },
    resample: RESAMPLE[interpolation],
    do_center_crop: resize_mode === 'shortest',
    crop_size: square,
    do_rescale: true,
    rescale_factor: 1 / 255,
    do_normalize: true,
    image_mean: mean,
    image_std: std,
  })
}
