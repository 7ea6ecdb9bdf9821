/** Which options of a run may change when it goes on. */
import { isDeepStrictEqual } from 'node:util'
import { ClipwrightError } from '../../base/errors.js'
import type { TrainOptions } from './options.js'

/** What makes the batches and the weights what they are: another value would be another run. */
const FIXED = [
  'data',
  'split',
  'model',
  'load',
  'batchSize',
  'seed',
  'loss',
  'reduction',
  'optimizer',
  'preCaption',
  'augment',
  'resize',
  'strict',
  'startEpoch',
] as const
/** What changes the numbers from here on, but leaves a run that makes sense. */
const INEXACT = [
  'epochs',
  'microBatch',
  'checkpointing',
  'lr',
  'minLr',
  'fitLr',
  'betas',
  'eps',
  'momentum',
  'weightDecay',
  'decayAll',
  'schedule',
  'warmup',
  'cooldown',
  'cooldownPower',
  'maxGradNorm',
  'precision',
  'device',
  'threads',
  'freeze',
] as const

/**
 * The options that a run goes on with: those it was started with, under those given now.
 * @param stored as `config.json` of the run folder has them
 * @param given absolute paths, no defaults
 * @returns also the names of the changed options that end bit-exactness
 * @throws ClipwrightError ERR_INVALID_ARGUMENT naming the options that must not change
 */
export function resumedOptions(
  stored: TrainOptions,
  given: TrainOptions,
): { options: TrainOptions; inexact: string[] } {
  const changed = (key: keyof TrainOptions) => given[key] !== undefined && !isDeepStrictEqual(given[key], stored[key])
  const fixed = FIXED.filter(changed)
  if (fixed.length > 0) {
    const list = fixed.map((key) => `${key} (was ${JSON.stringify(stored[key])})`).join(', ')
    throw new ClipwrightError(
      'ERR_INVALID_ARGUMENT',
      `train: a resumed run cannot change ${list}; leave the option away, or start a new run with "load".`,
    )
  }
  const own = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined))
  return { options: { ...stored, ...own }, inexact: INEXACT.filter(changed) }
}
