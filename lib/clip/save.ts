/** Writing a model's weights and description. */
import { z } from 'zod'
import { parseOptions } from '../base/options.js'
import { elementCount } from '../checkpoint/formats/dtypes.js'
import { LAYOUTS, type Layout } from '../checkpoint/layouts/ids.js'
import type { Probed, Probes, SavedModel, TensorNames } from '../checkpoint/layouts/layout.js'
import { toStored } from '../checkpoint/layouts/stored-parts.js'
import { SAVE_SHAPE, saveCheckpoint, type WeightOptions } from '../checkpoint/save.js'
import type { Description } from '../models/description.js'
import type { Tokenizer } from '../tokenizer/tokenizer.js'
import { saveLora } from './lora.js'
import type { SaveManner } from './save-manner.js'
import { type ModelSession, sessionOf } from './session.js'
import { packTokens } from './texts.js'

/** How a model is saved. */
export type SaveOptions = Omit<WeightOptions, 'layout'> & {
  /**
   * Whose names the tensors have; 'open_clip' by default. 'onnx' is a folder for transformers.js; 'lora': adapters alone, as
   * peft keeps them, in f32.
   */
  layout?: Layout | 'lora'
  /** Whether ONNX Runtime, where it is installed, has a look at graphs of layout 'onnx', each for a few inputs; true by default. */
  check?: boolean
}

const schema = z.strictObject({
  ...SAVE_SHAPE,
  layout: z.enum([...LAYOUTS, 'lora']).default('open_clip'),
  check: z.boolean().default(true),
})

/** Saves a model, see `Clip.save`. */
export async function saveModel(
  clip: Description & { tokenizer: Tokenizer },
  path: string,
  options: SaveOptions,
  { also, written, ...manner }: SaveManner = {},
): Promise<void> {
  const { layout, dtype, check } = parseOptions(schema, options, 'save')
  const session = sessionOf(clip, 'save')
  if (layout === 'lora') return saveLora(session, path, manner)
  const { config, preprocess, tokenizer } = clip
  const tensors = (names: TensorNames) => tensorsOf(clip, names, manner)
  const probed = (probes: Probes): Probed => ({ probes, features: featuresOf(session, probes, tokenizer.padId) })
  const { contextLength } = session.model.text
  const model = {
    config,
    preprocess,
    tokenizer,
    contextLength,
    tensors,
    native: session.model,
    probed,
    ...(written && { manner: written }),
  }
  await saveCheckpoint(path, { layout, dtype, check }, 'save', model, also)
}

/** Queued at once, as reads are. */
function featuresOf(session: ModelSession, { images, texts }: Probes, padId: number): Probed['features'] {
  const pixels = { data: images.data, count: images.shape[0]! }
  const tokens = packTokens(texts, session.model.text, false, 'save', padId)
  const ofImages = session.call((native) => native.encodeImages(pixels, false))
  const ofTexts = session.call((native) => native.encodeTexts(tokens, false))
  const features = Promise.all([ofImages, ofTexts]).then(([images, texts]) => ({ images, texts }))
  features.catch(() => {}) // reported where they are waited for
  return features
}

/** Unless the model is still, all reads are queued at once, so that no step comes between them. */
function tensorsOf(
  clip: object,
  { partsOf }: TensorNames,
  { still, into, again, inspect }: SaveManner,
): SavedModel['tensors'] {
  const session = sessionOf(clip, 'save')
  session.check()
  const slot = session.adapters ? 'merged' : 'value'
  return session.own.flatMap((parameter, index) =>
    partsOf(parameter).map((part) => {
      const { name, shape, first } = part
      const count = elementCount(shape)
      const memory = into?.of(name, count)
      const copied = async () => {
        const from = { index, slot, first, count, ...(memory && { into: memory }) } as const
        const values = again && memory ? memory : await session.call((native) => native.read(from))
        return toStored(part, values)
      }
      const ready = still ? undefined : copied()
      ready?.catch(() => {}) // reported by the read that waits for it
      const read = async () => {
        const values = await (ready ?? copied())
        await inspect?.(name, values)
        return values
      }
      return [name, { shape, read }] as const
    }),
  )
}
