/** From options to a run that is ready to go: data read, model loaded, folder open, state where it should be. */
import { resolve } from 'node:path'
import type { LoadReport } from '../checkpoint/load-report.js'
import type { Clip } from '../clip/clip.js'
import { checkBatchSize } from '../data/loader.js'
import { openSource } from '../data/open.js'
import { openAll } from '../data/open-all.js'
import type { DataSource, SourceOptions } from '../data/source.js'
import { captionCounts, type EvalSet, evalSet } from '../eval/eval-set.js'
import { fill, templatesFrom, templatesOf } from '../eval/zero-shot/templates.js'
import type { Optimizer } from '../optim/optimizer.js'
import { preCaption } from '../tokenizer/pre-caption.js'
import type { Note } from './events.js'
import { fitSteps, requireRoomForSteps } from './fits.js'
import { makeOptimizer } from './options/optimizer.js'
import type { Settings, TrainOptions } from './options/options.js'
import { parseTrainOptions, takesFineTuningRate } from './options/parse.js'
import { resumedOptions } from './options/resume.js'
import { lastOf, type Resumed, readLast } from './resume-point.js'
import {
  changedMachine,
  checkEpochs,
  checkSameData,
  describeMachine,
  pairsOf,
  renewBadSamples,
  renewBest,
  withWayToMove,
} from './resumed.js'
import { RunFolder } from './run-folder.js'
import { absolutePaths, defaultFolder, scheduleOf, toStore } from './run-options.js'
import type { Schedule } from './schedule.js'
import { startingModel } from './starting-model.js'
import { freshState, restoreAdapters, type TrainingState } from './state.js'
import { badValidation } from './validation-pictures.js'

export type PreparedRun = {
  settings: Settings
  /** The settings as `config.json` keeps them. */
  options: TrainOptions
  clip: Clip
  optimizer: Optimizer
  schedule: Schedule
  source: DataSource
  val: EvalSet | undefined
  folder: RunFolder
  state: TrainingState
  /** Whether the run goes on from a checkpoint of its own. */
  resumed: boolean
  /** Whether earlier bests do not count any more. */
  newBest: boolean
  /** What was found on the way, to be told. */
  notes: Note[]
  /** What a new run took from weights that need not fit. */
  loaded: LoadReport | undefined
  /** Why a resumed run is not the uninterrupted one; empty when it is. */
  inexact: string[]
}

/** @throws ClipwrightError what options, lists, models and folders can be wrong with */
export async function prepareRun(given: TrainOptions): Promise<PreparedRun> {
  const settings = parseTrainOptions(given)
  if (settings.resume === undefined) return prepare(settings, undefined, takesFineTuningRate(given) ? [ownRate()] : [])
  const folder = await RunFolder.enter(settings.resume)
  try {
    // Defaults must not count as changes of a resumed run, so what was given is taken and not what it means.
    const stored = await folder.readOptions()
    const { options, inexact } = resumedOptions(stored.options, absolutePaths(given))
    const whole = parseTrainOptions(options)
    const resumed = await readLast(folder.path)
    checkEpochs(whole.epochs, resumed.state.cursor)
    const notes = [...stored.notes, ...resumed.notes]
    return await prepare(whole, { ...resumed, inexact, folder, notes })
  } catch (error) {
    await folder.close().catch(() => {})
    throw error
  }
}

async function prepare(
  given: Settings,
  resumed?: Resumed & { inexact: string[]; folder: RunFolder; notes: Note[] },
  remarks: readonly Note[] = [],
): Promise<PreparedRun> {
  let settings: Settings = { ...given, ...absolutePaths(given) }
  const out = resumed?.folder.path ?? settings.out ?? defaultFolder()
  if (!resumed) await RunFolder.check(out, settings.overwrite)

  const { data: paths, dataWeights, resampled } = settings
  const of = { ...placesOf(settings), split: settings.split, use: 'train' } as const
  const source = await openAll(paths!, of, { weights: dataWeights, resampled }).catch((error) => {
    throw resumed ? withWayToMove(error) : error
  })
  checkBatchSize(source, settings.batchSize)
  const data = { sha256: await source.identity(), pairs: pairsOf(source) }
  if (resumed) checkSameData(source.path, resumed.state.data, data)
  const val = settings.val === undefined ? undefined : await validationSet(settings.val, settings)
  const notes = [...remarks, ...(resumed?.notes ?? []), ...(source.notes ?? []).map(oddData)]
  if (val) notes.push(...val.notes, ...(await badValidation(val.set.images, settings.workers)))
  const schedule = scheduleOf(settings, Math.floor(data.pairs / settings.batchSize))
  const { clip, loaded } = await startingModel(settings, resumed ? lastOf(out) : undefined)
  try {
    const fitting = await fitSteps(clip, settings)
    settings = { ...settings, ...fitting.shape }
    notes.push(...fitting.notes)
    const optimizer = makeOptimizer(clip, settings)
    await requireRoomForSteps(clip, settings)
    const machine = await describeMachine(clip)
    const state = resumed ? { ...resumed.state, machine } : freshState(data, val?.print ?? null, machine, settings)
    if (resumed) {
      await restoreAdapters(clip, resumed.adapters)
      await optimizer.restore(resumed.optimizer, resumed.inexact.length > 0)
    }
    const options = toStore({ ...settings, out: resolve(out) }, schedule)
    const folder = resumed?.folder ?? (await RunFolder.create(out, settings.overwrite, options))
    const renewed = resumed ? renewBest(state, val?.print ?? null) : []
    if (resumed) {
      notes.push(...renewed, ...(await renewBadSamples(state, source, settings.workers)))
      notes.push(...(await folder.openFiles(state.lengths)))
      await folder.writeOptions(options)
    }
    const inexact = resumed ? [...resumed.inexact, ...changedMachine(resumed.state.machine, machine)] : []
    const goingOn = { folder, state, notes, resumed: resumed !== undefined, newBest: renewed.length > 0 }
    return { settings, options, clip, optimizer, schedule, source, val: val?.set, ...goingOn, loaded, inexact }
  } catch (error) {
    await clip.dispose()
    throw error
  }
}

function oddData(message: string): Note {
  return { code: 'data', message }
}

function ownRate(): Note {
  const message = `with weights to start from and no --lr the learning rate is 5e-5, a tenth of what training from scratch takes; a higher one makes a model forget what it knew.`
  return { code: 'fine_tuning_rate', message }
}

/** What the options say of both lists. */
function placesOf({ absolutePaths, imageKey, captionKey, shuffleBuffer, templates: given }: Settings): SourceOptions {
  const templates = templatesOf(templatesFrom(given) ?? 'simple', 'train')
  return { absolutePaths, imageKey, captionKey, shuffleBuffer, captionsOfClass: (name) => fill(templates, name) }
}

type Validation = { set: EvalSet; print: TrainingState['val']; notes: Note[] }

async function validationSet(path: string, o: Settings): Promise<Validation> {
  const source = await openSource(path, { ...placesOf(o), split: o.valSplit, use: 'val' })
  const set = await evalSet(source)
  const notes = (source.notes ?? []).map(oddData)
  checkBatchSize({ path: source.path, size: captionCounts(set).length }, o.batchSize, 'validation')
  const print = { sha256: await source.identity(), ...(source.split !== undefined && { split: source.split }) }
  const clean = o.preCaption ? { ...set, captions: set.captions.map((caption) => preCaption(caption)) } : set
  return { set: clean, print, notes }
}
