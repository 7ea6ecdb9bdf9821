/** The table at the start of a run: what it was told, and what it does without being told. */
import { join } from 'node:path'
import { type Augment, describeAugment } from '../image/augment-options.js'
import { dropoutRates, isBert } from '../models/towers/bert.js'
import { table } from '../report/table.js'
import { whole } from '../report/wrap-words.js'
import type { TrainEvent } from '../train/events.js'
import { differingOptions } from '../train/options/usual.js'
import { flagName } from './flags.js'

type Start = TrainEvent & { type: 'start' }

/** @param all also what is as it always is; without it the options that differ from their defaults, by their flags' names */
export function configuration(start: Start, all: boolean, width: number): string {
  const { options, parameters, pairs, steps, step, rates } = start
  const told = all ? options : differingOptions(options, steps)
  // The one that was found is below.
  const { device: _, ...shown } = told
  const rows = Object.entries(shown).flatMap(([name, value]) =>
    value === undefined ? [] : [[flagName(name).slice(2), show(name, value)]],
  )
  const fitted = options.fitLr ? { 'fitted lr': rates.lr, 'fitted min-lr': rates.minLr } : {}
  const run = {
    ...fitted,
    device: start.device,
    weights: weightsOf(start),
    pictures: pairs,
    parameters,
    ...modelsDropout(start),
    steps: step > 0 ? `${step} of ${steps} done` : steps,
  }
  return table(
    ['option', 'value'],
    [...rows, ...Object.entries(run).map(([name, value]) => [name, String(value)])],
    width,
  )
}

/** What the model's own configuration leaves out in training, where no option says otherwise. */
function modelsDropout({ options, config: { text_cfg: text } }: Start): { dropout?: string } {
  if (options.dropout !== undefined || !isBert(text)) return {}
  const { hidden, attention } = dropoutRates(text.hf_config)
  if (hidden === 0 && attention === 0) return {}
  return { dropout: hidden === attention ? String(hidden) : `${hidden}, of attention ${attention}` }
}

function show(name: string, value: unknown): string {
  if (name === 'augment') return describeAugment(value as Augment)
  if (typeof value === 'boolean') return value ? 'on' : 'off'
  if (Array.isArray(value)) return value.join(',')
  return typeof value === 'object' ? JSON.stringify(value) : whole(String(value))
}

function weightsOf({ options, step, steps }: Start): string {
  const { load, pretrained, model, out, epochs = 1, startEpoch = 0 } = options
  const goesOn = step > (startEpoch * steps) / epochs
  if (goesOn && out !== undefined) return whole(`from ${join(out, 'checkpoints', 'last')}`)
  if (pretrained !== undefined) return `${pretrained} of ${model}`
  return load === undefined ? 'random' : whole(`from ${load}`)
}
