/** For functions that take a model, or the path of one. */
import { Clip } from './clip.js'
import type { LoadOptions } from './open-options.js'

/** A model that is only to encode, unless adapters are added to it. */
export function loadToEncode(path: string, load: LoadOptions = {}): Promise<Clip> {
  return Clip.load(path, load.lora === undefined ? { trainable: false, ...load } : load)
}

/**
 * Runs the work with the model: the one that is given, which stays the caller's, or the one that lies at a path, which is
 * loaded now and disposed afterwards.
 * @param work is told how to call the model in messages
 * @throws what `Clip.load` and the work throw
 */
export async function withModel<T>(
  model: Clip | string,
  load: LoadOptions | undefined,
  work: (clip: Clip, name: string) => Promise<T>,
): Promise<T> {
  if (typeof model !== 'string') return work(model, 'the model')
  const clip = await loadToEncode(model, load)
  try {
    return await work(clip, model)
  } finally {
    await clip.dispose()
  }
}

/** Of a model that is given as a path, for comparisons. */
export const pathOf = (model: Clip | string) => (typeof model === 'string' ? model : null)
