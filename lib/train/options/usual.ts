/** What options are when nobody says anything, so that what was said can be told from it. */
import { isDeepStrictEqual } from 'node:util'
import { OPTIMIZER_DEFAULTS } from '../../optim/defaults.js'
import { defaultCooldown, defaultWarmup, lowestRate } from '../schedule.js'
import type { Settings, TrainOptions } from './options.js'
import { TRAIN_OPTIONS } from './table.js'

/**
 * The options of a run that are not what they would be without a word.
 * @param options as the `start` event and `config.json` have them
 * @param steps of the whole run
 */
export function differingOptions(options: TrainOptions, steps: number): TrainOptions {
  const defaults = Object.fromEntries(Object.entries(TRAIN_OPTIONS).map(([name, option]) => [name, option.default]))
  const { optimizer, schedule, lr } = { ...defaults, ...options } as Settings
  const usual: Record<string, unknown> = {
    ...defaults,
    ...OPTIMIZER_DEFAULTS[optimizer],
    minLr: lowestRate({ schedule, lr }),
    warmup: defaultWarmup(steps),
    cooldown: defaultCooldown(steps),
    cooldownPower: 1,
  }
  return Object.fromEntries(Object.entries(options).filter(([name, value]) => !isDeepStrictEqual(value, usual[name])))
}
