/** Going back to the weights, moments and averages of a checkpoint, while the run itself goes on. */
import { join } from 'node:path'
import type { Tensor } from '../base/types.js'
import { readSafetensors } from '../checkpoint/formats/safetensors/safetensors.js'
import { sessionOf } from '../clip/session.js'
import { fileSystem } from '../files/append-file.js'
import { REWIND } from './checkpoints.js'
import type { PreparedRun } from './prepare.js'
import { readState, restoreAdapters } from './state.js'
import { WEIGHTS_NAME } from './weights-digest.js'

/**
 * Takes the model back to `checkpoints/rewind`. Steps, the place in the data and all that was counted stay as they are: the steps in
 * between are as if they had been skipped, and the data go on behind the ones that were seen. No step may be under way.
 * @returns the step that it is of
 * @throws ClipwrightError ERR_NOT_FOUND, ERR_FORMAT, ERR_IO
 */
export async function rewind({ clip, optimizer, folder }: PreparedRun): Promise<number> {
  const from = folder.checkpoint(REWIND)
  const { state, optimizer: moments, adapters } = await readState(from)
  // With adapters nothing else learns, and the weights on the disk have them merged.
  if (sessionOf(clip, 'train').adapters) await restoreAdapters(clip, adapters)
  else {
    const { tensors } = await fileSystem(from, () => readSafetensors(join(from, WEIGHTS_NAME)))
    const learning = clip.parameters({ layout: 'open_clip' }).filter(({ trainable }) => trainable)
    await Promise.all(learning.map((parameter) => parameter.write(tensors[parameter.name] as Tensor)))
  }
  await optimizer.restore(moments)
  return state.step
}
