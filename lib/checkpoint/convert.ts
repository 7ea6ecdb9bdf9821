/** From one layout to another, one tensor at a time: no model is built. */
import { z } from 'zod'
import { isUrl } from '../base/brands.js'
import { ClipwrightError } from '../base/errors.js'
import { parseOptions } from '../base/options.js'
import { pathOfUrl } from '../files/file-url.js'
import { HUB_SHAPE, hubOf } from '../hub/options.js'
import type { HubOptions } from '../hub/settings.js'
import type { ModelConfig } from '../models/config.js'
import { resolveModel } from '../models/resolve.js'
import { native } from '../native/addon.js'
import { openTokenizer } from '../tokenizer/choice.js'
import { elementCount } from './formats/dtypes.js'
import type { StoredTensors } from './formats/safetensors/safetensors.js'
import type { Layout, SavedType } from './layouts/ids.js'
import type { SavedModel, TensorNames } from './layouts/layout.js'
import { activationNote } from './layouts/openai/activation.js'
import { type ParameterShape, toStored } from './layouts/stored-parts.js'
import { recogniseLayout } from './layouts/table.js'
import { readElements, requireWhole } from './load.js'
import { type Match, matchTensors } from './match.js'
import { openCheckpoint } from './open.js'
import { requireRoomForModel, SAVE_SHAPE, saveCheckpoint, type WeightOptions } from './save.js'

/** How weights are written, and which they are where their file does not say. */
export type ConvertOptions = WeightOptions &
  HubOptions & {
    /** The model of the weights, instead of what the path says about them. */
    model?: string | ModelConfig
    /** Which entry of a nested file holds the weights. */
    key?: string
  }

/** What was converted. */
export type Conversion = {
  /** The file of the weights that were read, and whose names they had. */
  from: { path: string; layout: string }
  /** What was written. */
  to: { path: string; layout: Layout; dtype: SavedType }
  /** Numbers in all weights together. */
  parameters: number
}

const schema = z.strictObject({
  ...SAVE_SHAPE,
  ...HUB_SHAPE,
  model: z.unknown().optional(),
  key: z.string().min(1).optional(),
})

/**
 * Writes a checkpoint in another layout, or rounded to another type. Every weight must be there and nothing else.
 * @param input what `Clip.load` takes
 * @param output what `Clip.save` takes
 * @throws ClipwrightError what `Clip.load` and `Clip.save` throw; ERR_UNSUPPORTED for a weight that fp16 has no number for
 *
 * @example
 * await convert('my-model', 'for-transformers', { layout: 'hf', dtype: 'fp16' })
 */
export async function convert(input: string | URL, output: string, options: ConvertOptions = {}): Promise<Conversion> {
  const { model: given, key, offline, cacheDir, token, ...how } = parseOptions(schema, options, 'convert')
  const path = isUrl(input) ? pathOfUrl(input, 'convert') : input
  await requireRoomForModel(output, 'convert')
  const hub = hubOf({ offline, cacheDir, token })
  const { weights, tokenizer, ...description } = await openCheckpoint(path, given as ConvertOptions['model'], key, hub)
  try {
    const model = resolveModel(description.config, description.preprocess, path)
    const parameters = native().parametersOf(model)
    const { id, names } = recogniseLayout(parameters, weights.entries, description.config)
    const match = matchTensors(parameters, weights.entries, names)
    requireWhole(match, weights)
    const note = activationNote(weights.entries, model, weights.path)
    if (note) process.emitWarning(note, { code: 'CLIPWRIGHT_ACTIVATION' })
    for (const { resizing } of match.fits) {
      if (resizing) process.emitWarning(`${weights.path}: ${resizing.what}.`, { code: 'CLIPWRIGHT_RESIZED_POSITIONS' })
    }
    await saveCheckpoint(output, how, 'convert', {
      ...description,
      tokenizer: await openTokenizer(tokenizer),
      contextLength: model.text.contextLength,
      tensors: (wanted) => tensorsOf(weights, match, parameters, wanted, how.dtype),
    })
    const count = parameters.reduce((sum, { shape }) => sum + elementCount(shape), 0)
    return { from: { path: weights.path, layout: id }, to: { path: output, ...how }, parameters: count }
  } finally {
    await weights.close()
  }
}

function tensorsOf(
  weights: StoredTensors,
  { fits }: Match,
  parameters: readonly ParameterShape[],
  { partsOf }: TensorNames,
  dtype: SavedType,
): SavedModel['tensors'] {
  return parameters.flatMap((parameter, index) => {
    const held = fits.filter((fit) => fit.index === index)
    return partsOf(parameter).map((part) => {
      const read = async () => {
        const values = await readElements(weights, held, part.first, elementCount(part.shape))
        if (dtype === 'fp16') requireHalf(values, part.name, weights.path)
        return toStored(part, values)
      }
      return [part.name, { shape: part.shape, read }] as const
    })
  })
}

/** What is rounded to infinity from here on. */
const BEYOND_HALF = 65520

function requireHalf(values: Float32Array, name: string, path: string): void {
  const odd = values.find((value) => Number.isFinite(value) && Math.abs(value) >= BEYOND_HALF)
  if (odd === undefined) return
  const message = `${path}: tensor ${JSON.stringify(name)} holds ${odd}, more than fp16 can say; convert to bf16 or fp32.`
  throw new ClipwrightError('ERR_UNSUPPORTED', message)
}
