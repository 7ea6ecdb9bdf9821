/** Which options of a run may change when it goes on. */
import { isDeepStrictEqual } from 'node:util'
import { invalid } from '../../base/errors.js'
import { optionName } from '../../base/option-names.js'
import type { ResumeRule } from './option.js'
import type { TrainOptions } from './options.js'
import { TRAIN_OPTIONS } from './table.js'

const NAMES = Object.keys(TRAIN_OPTIONS) as (keyof TrainOptions)[]

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
  const changed = (rule: ResumeRule) =>
    NAMES.filter(
      (name) =>
        TRAIN_OPTIONS[name].resume === rule &&
        given[name] !== undefined &&
        !isDeepStrictEqual(given[name], stored[name]),
    )
  const fixed = changed('fixed')
  if (fixed.length > 0) {
    const was = (name: keyof TrainOptions) =>
      stored[name] === undefined ? 'it had none' : `was ${JSON.stringify(stored[name])}`
    const list = fixed.map((name) => `${optionName(name, name)} (${was(name)})`).join(', ')
    throw invalid(
      `train: a resumed run cannot change ${list}; leave the option away, or start a new run with ${optionName('load', '"load"')}`,
    )
  }
  const own = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined))
  // The folder may lie elsewhere now.
  const { out: _, ...before } = stored
  return { options: { ...before, ...own }, inexact: changed('inexact') }
}
