/** From what a training run was told to all that it does. */
import { z } from 'zod'
import { parseOptions, shapeOf } from '../../base/options.js'
import { lowestRate } from '../schedule.js'
import { checkBelongTogether } from './belong-together.js'
import { foreignOptions, optimizerSettings } from './optimizer.js'
import type { Settings, TrainOptions } from './options.js'
import { PRESETS, type PresetName } from './presets.js'
import { TRAIN_OPTIONS } from './table.js'

/** A tenth of what training from scratch takes: more makes a model forget what it knew. */
const FINE_TUNING_RATE = 5e-5

const schema = z.strictObject(shapeOf(TRAIN_OPTIONS, z))

/** @throws ClipwrightError ERR_INVALID_ARGUMENT naming the option; for an unknown one the nearest is offered */
export function parseTrainOptions(options: unknown): Settings {
  const parsed = parseOptions(schema, withRate(withPreset(options)), 'train')
  const settings = { ...parsed, minLr: parsed.minLr ?? lowestRate(parsed) }
  checkBelongTogether(settings)
  return { ...settings, ...optimizerSettings(settings.optimizer, settings) }
}

/** What was given over what its preset says. What is wrong with either is found when all is parsed. */
function withPreset(options: unknown): unknown {
  if (typeof options !== 'object' || options === null) return options
  const preset: TrainOptions | undefined = PRESETS[(options as TrainOptions).preset as PresetName]
  if (preset === undefined) return options
  const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as TrainOptions
  const all = { ...preset, ...given }
  // Another optimizer does not have all that the preset's has.
  for (const key of foreignOptions(all.optimizer ?? 'adamw', preset)) if (!(key in given)) delete all[key]
  return all
}

/** Whether a run begins with weights that another training made, and nothing says how fast it may change them. */
export function takesFineTuningRate({ load, pretrained, lr, resume, preset }: TrainOptions): boolean {
  return (load ?? pretrained) !== undefined && lr === undefined && resume === undefined && preset === undefined
}

function withRate(options: unknown): unknown {
  if (typeof options !== 'object' || options === null || !takesFineTuningRate(options)) return options
  return { ...options, lr: FINE_TUNING_RATE }
}
