/** Whether a run's steps fit into memory, asked before its folder is made. */
import { ClipwrightError } from '../base/errors.js'
import { optionName } from '../base/option-names.js'
import type { Clip } from '../clip/clip.js'
import { sessionOf } from '../clip/session.js'
import { makeLoss } from '../loss/table.js'
import type { Settings } from './options/options.js'

/** Of a caption: no batch has shorter ones, so what does not fit with these never will. */
const FEWEST_TOKENS = 2

/**
 * The model is there and its optimizer, so what is free is left for a step.
 * @throws ClipwrightError ERR_OUT_OF_MEMORY with what a step takes and what is free
 */
export async function requireRoomForSteps(clip: Clip, settings: Settings): Promise<void> {
  const { batchSize, microBatch, checkpointing } = settings
  const shape = { batch: batchSize, tokens: FEWEST_TOKENS, microBatch: microBatch ?? 0, checkpointing }
  const loss = makeLoss(settings).toNative()
  const { step, available } = await sessionOf(clip, 'train').call((native) => native.plan({ ...shape, loss }))
  if (step <= available) return
  const mib = (bytes: number) => `${Math.ceil(bytes / 2 ** 20)} MiB`
  const ways = [
    `a smaller ${optionName('microBatch')}`,
    ...(checkpointing ? [] : [optionName('checkpointing')]),
    `a smaller ${optionName('batchSize')}`,
  ]
  const message = `train: a step of ${batchSize} pairs takes at least ${mib(step)} beside the model, but ${mib(available)} are free on ${clip.device}; use ${ways.slice(0, -1).join(', ')} or ${ways.at(-1)}.`
  throw new ClipwrightError('ERR_OUT_OF_MEMORY', message)
}
