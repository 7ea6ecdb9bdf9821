/** From options to a run that is ready to go: data read, model loaded, folder open, state where it should be. */
import { resolve } from 'node:path'
import { invalid } from '../base/errors.js'
import { optionName } from '../base/option-names.js'
import { packageVersion } from '../base/version.js'
import type { LoadReport } from '../checkpoint/load-report.js'
import type { Clip } from '../clip/clip.js'
import { sessionOf } from '../clip/session.js'
import { checkBatchSize } from '../data/loader.js'
import { openAll } from '../data/open-all.js'
import { type Positives, positivesOf } from '../data/positives.js'
import type { DataSource } from '../data/source.js'
import { captionCounts, type EvalSet } from '../eval/eval-set.js'
import type { Optimizer } from '../optim/optimizer.js'
import { requireAgreement } from '../ranks/agree.js'
import { inTurn, type World } from '../ranks/world.js'
import { preCaption } from '../tokenizer/pre-caption.js'
import { type Canary, openCanaries } from './canary-list.js'
import { LAST } from './checkpoints.js'
import type { Note } from './events.js'
import { fitSteps, requireRoomForSteps } from './fits.js'
import { KeptFeatures, missingFeatures } from './kept-features.js'
import { Ledger } from './ledger.js'
import { type MeasuredList, measuredList, oddData, placesOf } from './measured-list.js'
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
import { Teacher } from './teacher.js'

export type PreparedRun = {
  settings: Settings
  /** The settings as `config.json` keeps them. */
  options: TrainOptions
  clip: Clip
  /** Whom it learns from beside the pairs. */
  teacher: Teacher | undefined
  /** What fixed towers make of their inputs. */
  kept: KeptFeatures | undefined
  optimizer: Optimizer
  schedule: Schedule
  source: DataSource
  positives: Positives | undefined
  val: EvalSet | undefined
  /** What the model must not forget. */
  canaries: readonly Canary[]
  folder: RunFolder
  state: TrainingState
  /** Whether the run goes on from a checkpoint of its own. */
  resumed: boolean
  /** Whether earlier bests do not count any more. */
  newBest: boolean
  /** What each sample costs, where that is kept and this process writes. */
  ledger: Ledger | undefined
  /** The ranks that train together. */
  world: World
  /** What was found on the way, to be told. */
  notes: Note[]
  /** What a new run took from weights that need not fit. */
  loaded: LoadReport | undefined
  /** Why a resumed run is not the uninterrupted one; empty when it is. */
  inexact: string[]
}

/** @throws ClipwrightError what options, lists, models and folders can be wrong with */
export async function prepareRun(given: TrainOptions, world: World): Promise<PreparedRun> {
  const settings = parseTrainOptions(given)
  const { resume } = settings
  if (resume === undefined) return prepare(settings, world, undefined, takesFineTuningRate(given) ? [ownRate()] : [])
  const follow = async () => RunFolder.follow(resume)
  const folder = await inTurn(world, () => RunFolder.enter(resume), follow)
  try {
    // Defaults must not count as changes of a resumed run, so what was given is taken and not what it means.
    const stored = await folder.readOptions()
    const { options, inexact } = resumedOptions(stored.options, absolutePaths(given))
    const whole = parseTrainOptions(options)
    const read = () => readLast(folder.path)
    const resumed = await inTurn(world, read, read) // the first makes good what is damaged
    checkEpochs(whole.epochs, resumed.state.cursor)
    const notes = [...stored.notes, ...resumed.notes]
    return await prepare(whole, world, { ...resumed, inexact, folder, notes })
  } catch (error) {
    await folder.close().catch(() => {})
    throw error
  }
}

async function prepare(
  given: Settings,
  world: World,
  resumed?: Resumed & { inexact: string[]; folder: RunFolder; notes: Note[] },
  remarks: readonly Note[] = [],
): Promise<PreparedRun> {
  let settings: Settings = { ...given, ...absolutePaths(given) }
  const [out] = (await world.exchange(resumed?.folder.path ?? settings.out ?? defaultFolder())) as [string]
  if (!resumed && world.rank === 0) await RunFolder.check(out, settings.overwrite)

  const { data: paths, dataWeights, resampled } = settings
  const of = { ...placesOf(settings), split: settings.split, use: 'train' } as const
  const source = await openAll(paths!, of, { weights: dataWeights, resampled }).catch((error) => {
    throw resumed ? withWayToMove(error) : error
  })
  checkBatchSize(source, settings.batchSize)
  checkRanks(world, settings.batchSize)
  const data = { sha256: await source.identity(), pairs: pairsOf(source) }
  if (resumed) checkSameData(source.path, resumed.state.data, data)
  const val = settings.val === undefined ? undefined : await validationList(settings.val, settings)
  const canaries = await openCanaries(settings)
  const notes = [...remarks, ...(resumed?.notes ?? []), ...(source.notes ?? []).map(oddData)]
  if (val) notes.push(...val.notes)
  const positives = await positivesAmong(source, settings)
  const schedule = scheduleOf(settings, Math.floor(data.pairs / settings.batchSize))
  const threaded = { ...settings, threads: settings.threads ?? world.threads }
  const { clip, loaded } = await startingModel(threaded, resumed ? lastOf(out) : undefined)
  let teacher: Teacher | undefined
  try {
    teacher = await Teacher.open(threaded, clip)
    const fitting = await fitSteps(clip, settings, teacher)
    settings = { ...settings, ...fitting.shape }
    teacher?.encodeAtOnce(settings.microBatch ?? settings.batchSize)
    notes.push(...fitting.notes)
    const optimizer = makeOptimizer(clip, settings)
    // What a step of the run had to be halved to holds as long as nothing else has changed.
    const microBatch = resumed?.inexact.length === 0 ? resumed.state.microBatch : undefined
    await requireRoomForSteps(clip, { ...settings, microBatch: microBatch ?? settings.microBatch }, teacher)
    const machine = await describeMachine(clip)
    const state = resumed
      ? { ...resumed.state, machine, microBatch }
      : freshState(data, val?.print ?? null, machine, settings)
    if (resumed) {
      await restoreAdapters(clip, resumed.adapters)
      await optimizer.restore(resumed.optimizer, resumed.inexact.length > 0)
    }
    const options = toStore({ ...settings, out: resolve(out) }, schedule)
    const follow = async () => RunFolder.follow(out)
    const create = () => RunFolder.create(out, settings.overwrite, options)
    const folder = resumed?.folder ?? (await inTurn(world, create, follow))
    const renewed = resumed ? renewBest(state, val?.print ?? null) : []
    if (resumed) {
      notes.push(...renewed, ...(await renewBadSamples(state, source, settings.workers)))
      notes.push(...(await folder.openFiles(state.lengths)))
      await folder.writeOptions(options)
    }
    const facts = {
      'the version of clipwright': packageVersion(),
      ...options,
      'the training list': data,
      'the validation list': val?.print ?? null,
      'the canaries': canaries.map(({ print }) => print),
      'the step to go on from': state.step,
      'the list of bad pictures': state.badSamples,
    }
    await requireAgreement(world, facts, undefined, (fact) => (fact in options ? optionName(fact) : fact))
    if (world.size > 1) await sessionOf(clip, 'train').call((native) => native.joinGroup())
    const { kept, notes: ofKept } = await KeptFeatures.open(clip, settings, world)
    notes.push(...ofKept)
    const inexact = resumed
      ? [
          ...resumed.inexact,
          ...changedMachine(resumed.state.machine, machine),
          ...(world.rank === 0 ? missingFeatures(resumed.state.features, kept) : []),
        ]
      : []
    const ledger = await ledgerOf(settings, folder, data.pairs, resumed !== undefined)
    const goingOn = { ledger, folder, state, notes, world, resumed: resumed !== undefined, newBest: renewed.length > 0 }
    return {
      settings,
      options,
      clip,
      teacher,
      kept,
      optimizer,
      schedule,
      source,
      positives,
      val: val?.set,
      canaries,
      ...goingOn,
      loaded,
      inexact,
    }
  } catch (error) {
    await teacher?.dispose()
    await clip.dispose()
    throw error
  }
}

function checkRanks(world: World, batchSize: number): void {
  if (batchSize >= world.size) return
  throw invalid(
    `train: ${optionName('batchSize')}: a batch of ${batchSize} pairs cannot be shared by ${world.size} ranks; raise it or start fewer`,
  )
}

/** One that a run goes on with may have been begun without. */
async function ledgerOf({ ledger, batchSize }: Settings, folder: RunFolder, pairs: number, resumed: boolean) {
  if (!ledger || !folder.writes) return undefined
  return (resumed && (await Ledger.read(folder.checkpoint(LAST)))) || Ledger.of(pairs, batchSize)
}

function ownRate(): Note {
  const message = `with weights to start from and no ${optionName('lr')} the learning rate is 5e-5, a tenth of what training from scratch takes; a higher one makes a model forget what it knew.`
  return { code: 'fine_tuning_rate', message }
}

async function positivesAmong(source: DataSource, { positives, seed, workers, ...o }: Settings) {
  if (positives === undefined) return undefined
  return positivesOf(positives, source, {
    seed,
    workers,
    clean: (caption) => (o.preCaption ? preCaption(caption) : caption),
  })
}

/** @throws ClipwrightError what a list can be wrong with, also when it does not fill a batch */
async function validationList(path: string, settings: Settings): Promise<MeasuredList> {
  const list = await measuredList(path, settings)
  checkBatchSize({ path: list.path, size: captionCounts(list.set).length }, settings.batchSize, 'validation')
  return list
}
