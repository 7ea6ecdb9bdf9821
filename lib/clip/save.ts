/** Writing a model's weights and description. */
import { z } from 'zod'
import { parseOptions } from '../base/options.js'
import { elementCount } from '../checkpoint/formats/dtypes.js'
import type { SavedModel, TensorNames } from '../checkpoint/layouts/layout.js'
import { toStored } from '../checkpoint/layouts/stored-parts.js'
import { type Besides, SAVE_SHAPE, type SaveOptions, saveCheckpoint } from '../checkpoint/save.js'
import type { Description } from '../models/description.js'
import type { Tokenizer } from '../tokenizer/tokenizer.js'
import { sessionOf } from './session.js'

const schema = z.strictObject(SAVE_SHAPE)

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
  const how = parseOptions(schema, options, 'save')
  const { config, preprocess, tokenizer } = clip
  const { contextLength } = sessionOf(clip, 'save').model.text
  const tensors = (names: TensorNames) => tensorsOf(clip, names, still)
  await saveCheckpoint(path, how, 'save', { config, preprocess, tokenizer, contextLength, tensors }, also)
}

/** Unless the model is still, all reads are queued at once, so that no step comes between them. */
function tensorsOf(clip: object, { partsOf }: TensorNames, still: boolean): SavedModel['tensors'] {
  const session = sessionOf(clip, 'save')
  session.check()
  return session.parameters.flatMap((parameter, index) =>
    partsOf(parameter).map((part) => {
      const { name, shape, first } = part
      const read = async () =>
        toStored(
          part,
          await session.call((native) => native.read({ index, slot: 'value', first, count: elementCount(shape) })),
        )
      if (still) return [name, { shape, read }] as const
      const values = read()
      values.catch(() => {}) // reported by the read that waits for it
      return [name, { shape, read: () => values }] as const
    }),
  )
}
