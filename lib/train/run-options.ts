/** A run's options in the form in which its folder keeps them, and the schedule that they ask for. */
import { resolve } from 'node:path'
import { isRemote } from '../data/places/open-file.js'
import type { Settings, TrainOptions } from './options/options.js'
import { defaultCooldown, defaultWarmup, fitToBatch, isByEpoch, type Schedule } from './schedule.js'

/** A run must not depend on the folder that it is resumed from. */
export function absolutePaths(o: TrainOptions): TrainOptions {
  const result = { ...o }
  for (const key of ['val', 'load', 'out', 'resume', 'decodedCache'] as const) {
    const path = o[key]
    if (typeof path === 'string') result[key] = absolute(path)
  }
  // With a tag it is a name.
  if (o.distill !== undefined && o.distillPretrained === undefined) result.distill = absolute(o.distill)
  if (o.featureCache !== undefined && o.featureCache !== 'off') result.featureCache = absolute(o.featureCache)
  if (o.canary) result.canary = o.canary.map(absolute)
  // What is none is refused with all else.
  if (typeof o.data === 'string') result.data = absolute(o.data)
  else if (Array.isArray(o.data)) result.data = o.data.map((path) => (typeof path === 'string' ? absolute(path) : path))
  return result
}

function absolute(path: string): string {
  return path.startsWith('hf-hub:') || isRemote(path) ? path : resolve(path)
}

export function scheduleOf(o: Settings, stepsPerEpoch: number): Schedule {
  const steps = o.epochs * stepsPerEpoch
  const rates = o.fitLr ? fitToBatch(o, o.batchSize) : { lr: o.lr, minLr: o.minLr }
  return {
    kind: o.schedule,
    ...rates,
    warmup: o.warmup ?? defaultWarmup(steps),
    cooldown: o.cooldown ?? defaultCooldown(steps),
    cooldownPower: o.cooldownPower ?? 1,
    steps,
    epochs: o.epochs,
  }
}

/** With the schedule's lengths: a run that is resumed with more epochs keeps them. */
export function toStore(settings: Settings, { kind, warmup, cooldown, cooldownPower }: Schedule): TrainOptions {
  const { resume: _resume, overwrite: _overwrite, signal: _signal, ...options } = settings
  return {
    ...options,
    ...(!isByEpoch(kind) && { warmup }),
    ...(kind === 'const-cooldown' && { cooldown, cooldownPower }),
  } as TrainOptions
}

/** Where a run goes that is told no folder. */
export function defaultFolder(): string {
  return resolve('runs', new Date().toISOString().slice(0, 19).replaceAll(':', '-'))
}
