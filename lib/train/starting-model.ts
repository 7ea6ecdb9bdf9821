/** The model that a run begins with. */
import { ClipwrightError } from '../base/errors.js'
import type { LoadReport } from '../checkpoint/load-report.js'
import { Clip } from '../clip/clip.js'
import type { InitialLogits } from '../clip/open-options.js'
import { changesOf, fittingOf } from '../clip/run-options.js'
import { hubOf } from '../hub/options.js'
import { makeLoss } from '../loss/table.js'
import type { ModelConfig } from '../models/model-config.js'
import { describeModel } from '../models/registry.js'
import { lock } from '../optim/lock.js'
import { freeze } from './freeze.js'
import type { Settings } from './options/options.js'

type LossSettings = Pick<Settings, 'loss' | 'reduction'>

export type StartingModel = {
  clip: Clip
  /** Of `load` with `strict: false`. */
  loaded?: LoadReport
}

/**
 * @param last a checkpoint of the run itself, to go on from
 * @throws ClipwrightError as `Clip.load`, `Clip.create` and `freeze`
 */
export async function startingModel(settings: Settings, last: string | undefined): Promise<StartingModel> {
  const start = await openModel(settings, last)
  try {
    demandBias(start.clip, settings)
    lock(start.clip, {
      ...(settings.lockImage && { image: settings.lockImageUnlockedGroups }),
      ...(settings.lockText && { text: settings.lockTextUnlockedLayers }),
    })
    freeze(start.clip, settings.freeze ?? [])
    const { loraRank: rank, loraAlpha: alpha, seed } = settings
    if (rank !== undefined) start.clip.addLora({ rank, ...(alpha !== undefined && { alpha }), seed })
    return start
  } catch (error) {
    await start.clip.dispose()
    throw error
  }
}

async function openModel(
  { model, load, pretrained, strict, key, allowPartial, device, precision, threads, seed, ...settings }: Settings,
  last: string | undefined,
): Promise<StartingModel> {
  const run = { device, precision, ...(threads !== undefined && { threads }), ...fittingOf(settings) }
  // Adapters are part of a run's state; the weights in its checkpoints have them merged.
  if (last !== undefined && settings.loraRank === undefined) return { clip: await Clip.load(last, run) }
  // A checkpoint of the run has them in its configuration.
  const changes = changesOf(settings)
  const from = pretrained === undefined ? load : (model as string)
  if (from === undefined) {
    const named = model as NonNullable<typeof model>
    return { clip: await Clip.create(named, { ...run, ...changes, seed, ...initialLogits(named, settings) }) }
  }
  let loaded: LoadReport | undefined
  const onReport = (report: LoadReport) => {
    loaded = report
  }
  const whose = pretrained === undefined ? model !== undefined && { model } : { pretrained }
  const named = { ...whose, ...(key !== undefined && { key }), ...hubOf(settings) }
  const clip = await Clip.load(from, { ...run, ...changes, ...named, strict, allowPartial, seed, onReport })
  return { clip, ...(loaded && { loaded }) }
}

/** What the loss wants new models to begin with, where the configuration says nothing. */
function initialLogits(model: string | ModelConfig, settings: LossSettings): InitialLogits {
  const { newModels } = makeLoss(settings)
  const { config } = describeModel(model)
  if (!newModels || typeof config.init_logit_bias === 'number') return {}
  const { initLogitScale, initLogitBias } = newModels
  return { initLogitBias, ...(config.init_logit_scale === undefined && { initLogitScale }) }
}

/** Without a bias the loss would begin hundreds of times as high as guessing, and end higher. */
function demandBias(clip: Clip, settings: LossSettings): void {
  const { newModels } = makeLoss(settings)
  if (!newModels || typeof clip.config.init_logit_bias === 'number') return
  throw new ClipwrightError(
    'ERR_MISMATCH',
    `train: loss ${settings.loss} learns what is added to logits, and the weights to start from have no logit_bias; load them with the option "model", their configuration and "init_logit_bias": ${newModels.initLogitBias} in it, and with strict: false.`,
  )
}
