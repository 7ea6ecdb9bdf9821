/** One step of training. */
import { type Batch, type BatchOptions, type PackedBatch, prepareBatch } from '../clip/batch.js'
import type { Clip } from '../clip/clip.js'
import { sessionOf } from '../clip/session.js'
import type { Loss } from '../loss/loss.js'
import type { Optimizer, StepOptions, StepResult } from './optimizer.js'

/**
 * `statistics`: as asked for in `BatchOptions`. `deviceMs`: how long a device that works beside the host worked on it, by its own
 * clock; nothing on the CPU. `microBatch`: what `mayHalve` halved it to for want of memory.
 */
export type TrainStepResult = StepResult & {
  loss: number
  logitScale: number
  deviceMs?: number
  statistics?: Float32Array
  microBatch?: number
}

/**
 * `forwardBackward` and `optimizer.step` as one job of the core, without coming back in between: the same numbers,
 * sooner. Gradients that `forwardBackward` left are added to. The batch's arrays are read where they lie: they must neither
 * change nor be transferred before it resolves.
 * @throws ClipwrightError what the two throw
 */
export async function trainStep(
  clip: Clip,
  optimizer: Optimizer,
  batch: Batch | PackedBatch,
  loss: Loss,
  options: BatchOptions & StepOptions = {},
): Promise<TrainStepResult> {
  const session = sessionOf(clip, 'trainStep')
  session.requireTraining('trainStep')
  const { lr, maxGradNorm, maxLoss, ...batchOptions } = options
  const target = { model: session.model, preprocess: clip.preprocess, tokenizer: clip.tokenizer }
  const prepared = prepareBatch(target, batch, loss, batchOptions, 'trainStep')
  return optimizer.stepOn(session, prepared, {
    ...(lr !== undefined && { lr }),
    ...(maxGradNorm !== undefined && { maxGradNorm }),
    ...(maxLoss !== undefined && { maxLoss }),
  })
}
