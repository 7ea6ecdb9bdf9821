/** What options say to each other, which no option's own schema can check. */
import { resolve } from 'node:path'
import { invalid } from '../../base/errors.js'
import { optionName } from '../../base/option-names.js'
import { isByEpoch } from '../schedule.js'
import { foreignOptions } from './optimizer.js'
import type { Settings } from './options.js'
import { isFineTuning } from './presets.js'

/** @throws ClipwrightError ERR_INVALID_ARGUMENT naming the option that does not belong to the others */
export function checkBelongTogether(o: Settings): void {
  checkForeign(o)
  if (o.resume === undefined) checkBegins(o)
  else checkGoesOn(o as Settings & { resume: string })
  checkStartEpoch(o)
  checkKeeps(o)
  checkTeacher(o)
  if (o.minLr > o.lr) throw wrong('minLr', `expected at most ${optionName('lr', 'lr')} (${o.lr}), got ${o.minLr}`)
}

function checkForeign(o: Settings): void {
  const [foreign] = foreignOptions(o.optimizer, o)
  if (foreign !== undefined) throw wrong(foreign, `optimizer ${o.optimizer} has none; leave it away`)
  if (o.warmup !== undefined && isByEpoch(o.schedule)) {
    throw wrong('warmup', `schedule ${o.schedule} has a warm-up of its own; leave it away`)
  }
  if (o.loss === 'siglip' && o.reduction !== 'mean') {
    throw wrong('reduction', 'belongs to loss infonce, and the loss is siglip')
  }
  if (o.decodedCache !== undefined && o.decode === 'fast')
    throw wrong('decodedCache', `keeps pictures of decode exact, and decode is fast; leave one away`)
  for (const key of ['cooldown', 'cooldownPower'] as const) {
    if (o[key] !== undefined && o.schedule !== 'const-cooldown') {
      throw wrong(key, `belongs to schedule const-cooldown, and the schedule is ${o.schedule}`)
    }
  }
}

function checkTeacher({ distill, distillPretrained, distillKind, distillWeight, loss }: Settings): void {
  if (distill !== undefined) {
    if (loss !== 'infonce') {
      const remedy = `leave ${optionName('loss', '"loss"')} away to train with infonce, or train without a teacher`
      throw wrong('distill', `a teacher goes with the loss infonce alone, and the loss is ${loss}; ${remedy}`)
    }
    return
  }
  for (const [key, value] of Object.entries({ distillPretrained, distillKind, distillWeight })) {
    if (value !== undefined)
      throw wrong(key as keyof Settings, `belongs to ${optionName('distill')}, which names a teacher`)
  }
}

function checkBegins({ data, model, load, pretrained, preset }: Settings): void {
  if (data === undefined) throw wrong('data', 'expected the path of a caption list, got nothing')
  if (model === undefined && load === undefined) {
    const either = `${optionName('model')} (a name such as ViT-B-32) or ${optionName('load', '"load"')} (a checkpoint)`
    throw invalid(`train: expected ${either}, got neither`)
  }
  if (load === undefined && pretrained === undefined && isFineTuning(preset)) {
    throw wrong('preset', `expected weights in ${optionName('load', '"load"')} that "${preset}" fine-tunes, got none`)
  }
  if (pretrained === undefined) return
  if (typeof model !== 'string') {
    throw wrong('pretrained', `expected ${optionName('model', '"model"')} as the name of a built-in model, got none`)
  }
  if (load !== undefined) throw wrong('pretrained', `excludes ${optionName('load', '"load"')}; leave one away`)
}

function checkGoesOn({ resume, out, overwrite }: Settings & { resume: string }): void {
  if (out !== undefined && resolve(out) !== resolve(resume)) {
    throw wrong('out', `a resumed run stays in its folder ${resume}, got ${out}; leave it away`)
  }
  if (!overwrite) return
  throw invalid(
    `train: options ${optionName('resume', '"resume"')} and ${optionName('overwrite', '"overwrite"')} exclude each other; leave one away`,
  )
}

function checkKeeps({ layerDecay, loraRank, loraAlpha, load, pretrained, lockImage, lockText, ...o }: Settings): void {
  if (layerDecay > 1) throw wrong('layerDecay', `expected at most 1, got ${layerDecay}`)
  if (loraRank !== undefined && load === undefined && pretrained === undefined) {
    throw wrong('loraRank', `expected weights in ${optionName('load', '"load"')} that the adapters change, got none`)
  }
  if (loraAlpha !== undefined && loraRank === undefined)
    throw wrong('loraAlpha', 'belongs to adapters, which loraRank adds')
  if (loraRank !== undefined && layerDecay !== 1)
    throw wrong('layerDecay', 'adapters all learn at one rate; leave it away')
  if (o.canary !== undefined && load === undefined && pretrained === undefined && o.resume === undefined)
    throw wrong('canary', `expected weights in ${optionName('load', '"load"')} that may be forgotten, got none`)
  if (o.lockImageUnlockedGroups > 0 && !lockImage) throw wrong('lockImageUnlockedGroups', 'belongs to lockImage')
  if (o.lockTextUnlockedLayers > 0 && !lockText) throw wrong('lockTextUnlockedLayers', 'belongs to lockText')
}

function checkStartEpoch({ startEpoch, epochs, load, pretrained }: Settings): void {
  if (startEpoch === 0) return
  if (load === undefined && pretrained === undefined) {
    throw wrong('startEpoch', `expected weights in ${optionName('load', '"load"')} to go on from, got none`)
  }
  if (startEpoch < epochs) return
  throw wrong('startEpoch', `expected less than ${optionName('epochs', 'epochs')} (${epochs}), got ${startEpoch}`)
}

function wrong(option: keyof Settings, what: string) {
  return invalid(`train: ${optionName(option)}: ${what}`)
}
