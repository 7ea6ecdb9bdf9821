/** From options to a run that is ready to go: data read, model loaded, folder open, state where it should be. */
import { cpus } from 'node:os'
import { resolve } from 'node:path'
import { ClipwrightError } from '../base/errors.js'
import { optionName } from '../base/option-names.js'
import type { LoadReport } from '../checkpoint/load-report.js'
import type { Clip } from '../clip/clip.js'
import { sessionOf } from '../clip/session.js'
import { checkBatchSize } from '../data/loader.js'
import { openSource } from '../data/open.js'
import type { DataSource, SourceOptions } from '../data/source.js'
import { captionCounts, type EvalSet, evalSet } from '../eval/eval-set.js'
import { recoverFolder } from '../files/replace-folder.js'
import { native } from '../native/addon.js'
import type { Optimizer, OptimizerState } from '../optim/optimizer.js'
import { preCaption } from '../tokenizer/pre-caption.js'
import { LAST } from './checkpoints.js'
import { makeOptimizer } from './options/optimizer.js'
import type { Settings, TrainOptions } from './options/options.js'
import { parseTrainOptions } from './options/parse.js'
import { resumedOptions } from './options/resume.js'
import { RunFolder } from './run-folder.js'
import { defaultCooldown, defaultWarmup, fitToBatch, isByEpoch, type Schedule } from './schedule.js'
import { startingModel } from './starting-model.js'
import { readState, type TrainingState } from './state.js'

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
  /** What a new run took from weights that need not fit. */
  loaded: LoadReport | undefined
  /** Why a resumed run is not the uninterrupted one; empty when it is. */
  inexact: string[]
}

type Resumed = { state: TrainingState; optimizer: OptimizerState; inexact: string[] }

/** @throws ClipwrightError what options, lists, models and folders can be wrong with */
export async function prepareRun(given: TrainOptions): Promise<PreparedRun> {
  // Defaults must not count as changes of a resumed run, so what was given is kept beside what it means.
  let settings = parseTrainOptions(given)
  let resumed: Resumed | undefined
  if (settings.resume !== undefined) {
    const stored = await RunFolder.readOptions(settings.resume)
    const { options, inexact } = resumedOptions(stored, absolutePaths(given))
    settings = parseTrainOptions(options)
    resumed = { ...(await readLast(given.resume as string)), inexact }
    checkEpochs(settings.epochs, resumed.state.cursor)
  }
  settings = { ...settings, ...absolutePaths(settings) }
  const out = settings.resume ?? settings.out ?? defaultFolder()
  if (!resumed) await RunFolder.check(out, settings.overwrite)

  const source = await openSource(settings.data as string, {
    ...placesOf(settings),
    split: settings.split,
    use: 'train',
  }).catch((error) => {
    throw resumed ? withWayToMove(error) : error
  })
  checkBatchSize(source, settings.batchSize)
  const data = { sha256: await source.identity(), pairs: pairsOf(source) }
  if (resumed) checkSameData(source.path, resumed.state.data, data)
  const val = settings.val === undefined ? undefined : await validationSet(settings.val, settings)
  const schedule = scheduleOf(settings, Math.floor(data.pairs / settings.batchSize))
  const { clip, loaded } = await startingModel(settings, resumed ? resolve(out, 'checkpoints', LAST) : undefined)
  try {
    const optimizer = makeOptimizer(clip, settings)
    const machine = await describeMachine(clip)
    const state = resumed ? { ...resumed.state, machine } : freshState(data, machine, settings)
    if (resumed) await optimizer.restore(resumed.optimizer)
    const options = toStore({ ...settings, out: resolve(out) }, schedule)
    const folder = resumed
      ? await RunFolder.reopen(out, state.lengths)
      : await RunFolder.create(out, settings.overwrite, options)
    if (resumed) await folder.writeOptions(options)
    const inexact = resumed ? [...resumed.inexact, ...changedMachine(resumed.state.machine, machine)] : []
    return { settings, options, clip, optimizer, schedule, source, val, folder, state, loaded, inexact }
  } catch (error) {
    await clip.dispose()
    throw error
  }
}

/** What the options say of both lists. */
function placesOf({ absolutePaths, imageKey, captionKey }: Settings): SourceOptions {
  return { absolutePaths, imageKey, captionKey }
}

async function validationSet(path: string, o: Settings): Promise<EvalSet> {
  const source = await openSource(path, { ...placesOf(o), split: o.valSplit, use: 'val' })
  const set = await evalSet(source)
  checkBatchSize({ path: source.path, size: captionCounts(set).length }, o.batchSize, 'validation')
  return o.preCaption ? { ...set, captions: set.captions.map((caption) => preCaption(caption)) } : set
}

function scheduleOf(o: Settings, stepsPerEpoch: number): Schedule {
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

async function readLast(run: string): Promise<Omit<Resumed, 'inexact'>> {
  const last = resolve(run, 'checkpoints', LAST)
  await recoverFolder(last)
  try {
    return await readState(last)
  } catch (error) {
    if (!(error instanceof ClipwrightError) || error.code !== 'ERR_NOT_FOUND') throw error
    throw new ClipwrightError('ERR_NOT_FOUND', `${run} has no checkpoint to resume from: it ended before its first.`, {
      cause: error,
    })
  }
}

function freshState(
  data: TrainingState['data'],
  machine: string,
  { startEpoch, batchSize }: Pick<Settings, 'startEpoch' | 'batchSize'>,
): TrainingState {
  return {
    step: startEpoch * Math.floor(data.pairs / batchSize),
    cursor: { epoch: startEpoch, position: 0 },
    epochLoss: { sum: 0, steps: 0 },
    lastEpochLoss: Number.NaN,
    best: null,
    evalPending: false,
    badSamples: [],
    captionsCut: { count: 0, said: false },
    lengths: {},
    data,
    machine,
  }
}

/** A run that has gone further than it shall go cannot end there: its weights are later ones. */
function checkEpochs(epochs: number, { epoch, position }: TrainingState['cursor']): void {
  const begun = epoch + (position > 0 ? 1 : 0)
  if (epochs >= begun) return
  throw new ClipwrightError(
    'ERR_INVALID_ARGUMENT',
    `train: ${optionName('epochs')}: the run is in its epoch ${begun} already or past it, so expected at least ${begun}, got ${epochs}.`,
  )
}

/** A schedule needs an end. */
function pairsOf({ size, path }: DataSource): number {
  if (size !== undefined) return size
  throw new ClipwrightError(
    'ERR_DATA',
    `train: ${path} does not say how many pictures it holds, which the schedule needs.`,
  )
}

/** A run knows its data by what they are, not by where they lay. */
function withWayToMove(error: unknown): unknown {
  if (!(error instanceof ClipwrightError) || error.code !== 'ERR_NOT_FOUND') return error
  const message = `train: ${error.message} Where the data have moved, resume with their new path in ${optionName('data', '"data"')}.`
  return new ClipwrightError('ERR_NOT_FOUND', message, { cause: error })
}

function checkSameData(path: string, before: TrainingState['data'], now: TrainingState['data']): void {
  if (before.sha256 === now.sha256) return
  throw new ClipwrightError(
    'ERR_DATA',
    `train: the training list ${path} changed since the run began (${before.pairs} pictures then, ${now.pairs} now), so the run cannot go on; start a new one with ${optionName('load', '"load"')}.`,
  )
}

/** What bits depend on beside the options. */
async function describeMachine(clip: Clip): Promise<string> {
  const { isa, onednn } = native().info()
  const threads = await sessionOf(clip, 'train').call(async (session) => session.threads)
  return `${clip.device}, ${clip.precision}, ${threads} threads, ${cpus()[0]?.model}, ${isa}, oneDNN ${onednn}`
}

function changedMachine(before: string, now: string): string[] {
  return before === now ? [] : [`machine (${before} before, ${now} now)`]
}

/** A run must not depend on the folder that it is resumed from. */
function absolutePaths(o: TrainOptions): TrainOptions {
  const result = { ...o }
  for (const key of ['data', 'val', 'load', 'out', 'resume'] as const) {
    const path = o[key]
    if (typeof path === 'string' && !path.startsWith('hf-hub:')) result[key] = resolve(path)
  }
  return result
}

/** With the schedule's lengths: a run that is resumed with more epochs keeps them. */
function toStore(settings: Settings, { kind, warmup, cooldown, cooldownPower }: Schedule): TrainOptions {
  const { resume: _resume, overwrite: _overwrite, signal: _signal, ...options } = settings
  return {
    ...options,
    ...(!isByEpoch(kind) && { warmup }),
    ...(kind === 'const-cooldown' && { cooldown, cooldownPower }),
  } as TrainOptions
}

function defaultFolder(): string {
  return resolve('runs', new Date().toISOString().slice(0, 19).replaceAll(':', '-'))
}
