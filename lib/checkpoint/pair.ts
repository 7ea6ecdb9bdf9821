/** A model whose towers lie in folders of their own, as transformers' pipelines keep them. */
import { ClipwrightError } from '../base/errors.js'
import { some } from '../base/shorten.js'
import { checkPath } from '../files/check-path.js'
import type { StoredTensors } from './formats/safetensors/safetensors.js'
import { FULL_LOGIT_SCALE } from './layouts/hf/clip/config.js'
import { readHfPair } from './layouts/hf/folder.js'
import { type OpenCheckpoint, openWeightsIn } from './open.js'

const SCALE = 'logit_scale'

/**
 * @param vision folder of a `CLIPVisionModelWithProjection`
 * @param text folder of a `CLIPTextModelWithProjection`
 * @throws ClipwrightError ERR_NOT_FOUND, ERR_FORMAT, ERR_UNSAFE, ERR_UNSUPPORTED, ERR_MISMATCH when the two are not a pair
 */
export async function openPair(vision: string, text: string): Promise<OpenCheckpoint> {
  checkPath(vision, 'Clip.load')
  checkPath(text, 'Clip.load')
  const described = await readHfPair(vision, text)
  const images = await openWeightsIn(vision)
  try {
    const texts = await openWeightsIn(text)
    try {
      return { ...described, weights: joined(images, texts) }
    } catch (error) {
      await texts.close()
      throw error
    }
  } catch (error) {
    await images.close()
    throw error
  }
}

/** The tensors of both, and a scale. */
function joined(images: StoredTensors, texts: StoredTensors): StoredTensors {
  const twice = [...texts.entries.keys()].filter((name) => images.entries.has(name))
  if (twice.length > 0) {
    const message = `${images.path} and ${texts.path} both hold ${some(twice, 5)}; expected the image tower in one and the text tower in the other.`
    throw new ClipwrightError('ERR_MISMATCH', message, { keys: twice })
  }
  const path = `${images.path} with ${texts.path}`
  const scale = { dtype: 'F32', shape: [], byteLength: 4 } as const
  return {
    path,
    entries: new Map([[SCALE, scale], ...images.entries, ...texts.entries]),
    metadata: {},
    async read(name) {
      if (images.entries.has(name)) return images.read(name)
      if (name !== SCALE || texts.entries.has(name)) return texts.read(name)
      return { ...scale, shape: [], data: Float32Array.of(FULL_LOGIT_SCALE) }
    },
    async *pieces(name) {
      if (images.entries.has(name)) yield* images.pieces(name)
      else if (name !== SCALE || texts.entries.has(name)) yield* texts.pieces(name)
      else yield Float32Array.of(FULL_LOGIT_SCALE)
    },
    place(name) {
      if (images.entries.has(name)) return images.place(name)
      return name === SCALE && !texts.entries.has(name) ? undefined : texts.place(name)
    },
    async close() {
      await Promise.all([images.close(), texts.close()])
    },
  }
}
