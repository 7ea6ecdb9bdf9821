/** The model that a run begins with. */
import type { LoadReport } from '../checkpoint/load-report.js'
import { Clip } from '../clip/clip.js'
import { changesOf, fittingOf } from '../clip/run-options.js'
import { lock } from '../optim/lock.js'
import { freeze } from './freeze.js'
import type { Settings } from './options/options.js'

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
    return { clip: await Clip.create(model as NonNullable<typeof model>, { ...run, ...changes, seed }) }
  }
  let loaded: LoadReport | undefined
  const onReport = (report: LoadReport) => {
    loaded = report
  }
  const whose = pretrained === undefined ? model !== undefined && { model } : { pretrained }
  const named = { ...whose, ...(key !== undefined && { key }) }
  const clip = await Clip.load(from, { ...run, ...changes, ...named, strict, allowPartial, seed, onReport })
  return { clip, ...(loaded && { loaded }) }
}
