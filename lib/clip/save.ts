/** Writing a model's weights and description. */
import { z } from 'zod'
import { parseOptions } from '../base/options.js'
import { elementCount } from '../checkpoint/formats/dtypes.js'
import { LAYOUTS, type Layout } from '../checkpoint/layouts/ids.js'
import type { SavedModel, TensorNames } from '../checkpoint/layouts/layout.js'
import { toStored } from '../checkpoint/layouts/stored-parts.js'
import { type Besides, type SaveOptions as CheckpointOptions, SAVE_SHAPE, saveCheckpoint } from '../checkpoint/save.js'
import type { Description } from '../models/description.js'
import type { Tokenizer } from '../tokenizer/tokenizer.js'
import { saveLora } from './lora.js'
import { sessionOf } from './session.js'

/** How a model is saved. */
export type SaveOptions = Omit<CheckpointOptions, 'layout'> & {
  /** Whose names the tensors have; 'open_clip' by default. 'lora': adapters alone, as peft keeps them, in f32. */
  layout?: Layout | 'lora'
}

const schema = z.strictObject({ ...SAVE_SHAPE, layout: z.enum([...LAYOUTS, 'lora']).default('open_clip') })

/** How training saves. */
export type SaveManner = {
  /** Nothing changes the weights until they are saved: they need not be in memory all at once. */
  still?: boolean
  also?: Besides
}

/** Saves a model, see `Clip.save`. */
export async function saveModel(
  clip: Description & { tokenizer: Tokenizer },
  path: string,
  options: SaveOptions,
  { still = false, also }: SaveManner = {},
): Promise<void> {
  const { layout, dtype } = parseOptions(schema, options, 'save')
  if (layout === 'lora') return saveLora(sessionOf(clip, 'save'), path)
  const { config, preprocess, tokenizer } = clip
  const { contextLength } = sessionOf(clip, 'save').model.text
  const tensors = (names: TensorNames) => tensorsOf(clip, names, still)
  const model = { config, preprocess, tokenizer, contextLength, tensors }
  await saveCheckpoint(path, { layout, dtype }, 'save', model, also)
}

/** Unless the model is still, all reads are queued at once, so that no step comes between them. */
function tensorsOf(clip: object, { partsOf }: TensorNames, still: boolean): SavedModel['tensors'] {
  const session = sessionOf(clip, 'save')
  session.check()
  const slot = session.adapters ? 'merged' : 'value'
  return session.own.flatMap((parameter, index) =>
    partsOf(parameter).map((part) => {
      const { name, shape, first } = part
      const read = async () =>
        toStored(part, await session.call((native) => native.read({ index, slot, first, count: elementCount(shape) })))
      if (still) return [name, { shape, read }] as const
      const values = read()
      values.catch(() => {}) // reported by the read that waits for it
      return [name, { shape, read: () => values }] as const
    }),
  )
}
