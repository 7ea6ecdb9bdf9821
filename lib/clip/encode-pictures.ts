/** Features of pictures, wherever they come from. */
import type { Tensor } from '../base/types.js'
import { type EncodeOptions, encodeInBatches } from './encode.js'
import type { ImageBatches } from './images.js'
import type { ModelSession } from './session.js'

/** [n, embed_dim]; a picture that was left out has no row. @throws as `encodeImages` */
export function encodePictures(
  session: ModelSession,
  pictures: ImageBatches,
  o: Omit<EncodeOptions, 'signal'> & { batchSize: number; normalize: boolean; signal?: AbortSignal | undefined },
): Promise<Tensor> {
  return encodeInBatches(pictures, session.model.embedDim, o, async (batch) =>
    batch.count === 0 ? new Float32Array() : session.call((native) => native.encodeImages(batch, o.normalize)),
  )
}
