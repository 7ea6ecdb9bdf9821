/** Where a run stands, as `training.safetensors` keeps it beside the weights. */
import { join } from 'node:path'
import { z } from 'zod'
import { ClipwrightError } from '../base/errors.js'
import type { SpareArrays } from '../base/spare-arrays.js'
import type { Tensor } from '../base/types.js'
import { elementCount } from '../checkpoint/formats/dtypes.js'
import { readSafetensors } from '../checkpoint/formats/safetensors/safetensors.js'
import { writeSafetensorsFrom } from '../checkpoint/formats/safetensors/writer.js'
import { STATE_NAME } from '../checkpoint/layouts/claim.js'
import type { Clip } from '../clip/clip.js'
import { tensorData } from '../clip/parameters.js'
import { sessionOf } from '../clip/session.js'
import type { LossScale, Moment, Optimizer, OptimizerState } from '../optim/optimizer.js'
import { lossScaleSchema } from '../optim/schemas.js'
import { GROWING_FILES } from './run-names.js'

const METADATA = 'clipwright_training'

const count = z.int().min(0)
/** JSON has no NaN. */
const number = z
  .number()
  .nullable()
  .transform((value) => value ?? Number.NaN)

const NO_SPIKES = { window: [], newest: null, count: 0, inARow: 0, skipped: 0, rewound: 0 }

const schema = z.strictObject({
  version: z.literal(1),
  /** Optimizer steps done, skipped ones included. */
  step: count,
  /** Of the optimizer's bias correction. */
  optimizerSteps: count,
  /** fp16's; left out in other precisions, and by versions that had no fp16. */
  lossScale: lossScaleSchema.optional(),
  /** The next place in the epoch's order; order, captions and augmentation are drawn from (seed, epoch, sample). */
  cursor: z.strictObject({ epoch: count, position: count }),
  /** Losses of this epoch's steps so far. */
  epochLoss: z.strictObject({ sum: number, steps: count }),
  /** Mean of the last epoch that was finished. */
  lastEpochLoss: number,
  best: z.strictObject({ step: count, rMean: number, loss: number }).nullable(),
  /** The end of an epoch was reached, but its evaluation was not. */
  evalPending: z.boolean(),
  /** Names in `checkpoints/` that this checkpoint gets besides `last`, which whoever goes on makes sure of. */
  alsoAs: z.array(z.string()).default([]),
  /** An epoch's weights were to be kept in `weights/`, but were not yet. */
  weightsPending: z.boolean().default(false),
  /** What each list of `canary` measured at the start, by its digest, and whether it is known to have fallen too far. */
  canaries: z.record(z.string(), z.strictObject({ start: z.number(), low: z.boolean() })).default({}),
  /**
   * Losses: those that a jump is judged by, the newest step's, which is not among them yet (null: it jumped), and how many jumped.
   * Versions that did not watch them left them out.
   */
  spikes: z
    .strictObject({
      window: z.array(z.number()),
      newest: z.number().nullable(),
      count,
      inARow: count,
      skipped: count,
      rewound: count,
    })
    .default(() => ({ ...NO_SPIKES })),
  badSamples: z.array(count),
  captionsCut: z.strictObject({ count, said: z.boolean() }),
  /** What micro-batches had to be halved to for want of memory, if they had to. */
  microBatch: count.optional(),
  lengths: z.partialRecord(z.enum(GROWING_FILES), count),
  /** How many features of fixed towers are kept. Versions that kept none left it out. */
  features: z.strictObject({ image: count.optional(), text: count.optional() }).default({}),
  /** What the run was fed, to notice when it changes. */
  data: z.strictObject({ sha256: z.string(), pairs: count }),
  /** The same of the validation list; null without one. Versions that did not watch it left it out. */
  val: z.strictObject({ sha256: z.string(), split: z.string().optional() }).nullable().optional(),
  /** SHA-256 of the weights' file beside this one. Versions that did not watch it left it out. */
  weights: z.string().optional(),
  /** The device, threads and instruction set that bit-exactness holds for. */
  machine: z.string(),
})

export type TrainingState = Omit<z.output<typeof schema>, 'version' | 'optimizerSteps' | 'lossScale'>

/** Of a run that begins, with its data and the machine. */
export function freshState(
  data: TrainingState['data'],
  val: TrainingState['val'],
  machine: string,
  { startEpoch, batchSize }: { startEpoch: number; batchSize: number },
): TrainingState {
  return {
    step: startEpoch * Math.floor(data.pairs / batchSize),
    cursor: { epoch: startEpoch, position: 0 },
    epochLoss: { sum: 0, steps: 0 },
    lastEpochLoss: Number.NaN,
    best: null,
    evalPending: false,
    alsoAs: [],
    weightsPending: false,
    canaries: {},
    spikes: { ...NO_SPIKES },
    badSamples: [],
    captionsCut: { count: 0, said: false },
    lengths: {},
    features: {},
    data,
    val,
    machine,
  }
}

/** What of a run's state the model and its optimizer hold. */
export type Learned = {
  optimizerSteps: number
  lossScale: LossScale | undefined
  tensors: readonly (readonly [name: string, moment: Moment])[]
}

/**
 * Moments go through the memory one at a time, when they are written; no step may run until then.
 * @param into copies all of them as they are now, so that steps may follow
 * @throws ClipwrightError ERR_DISPOSED
 */
export async function learnedOf(clip: Clip, optimizer: Optimizer, into?: SpareArrays): Promise<Learned> {
  const { steps, lossScale, moments } = await optimizer.readState()
  const still = [...moments, ...adapterValues(clip)]
  const tensors = into ? still.map(([name, moment]) => [name, copied(name, moment, into)] as const) : still
  return { optimizerSteps: await steps, lossScale: await lossScale, tensors }
}

function copied(name: string, { shape, dtype, read }: Moment, into: SpareArrays): Moment {
  const values = read(into.of(name, elementCount(shape)))
  values.catch(() => {}) // reported by the read that waits for it
  return { shape, dtype, read: () => values }
}

/** @throws ClipwrightError ERR_IO */
export async function writeState(folder: string, state: TrainingState, learned: Learned): Promise<void> {
  const { tensors, ...numbers } = learned
  const json = JSON.stringify({ version: 1, ...numbers, ...state })
  await writeSafetensorsFrom(join(folder, STATE_NAME), tensors, { metadata: { [METADATA]: json } }, { uncached: true })
}

const ADAPTER = /^value\./

/** What learns beside the weights, which have it merged: with them alone a run could not go on exactly. */
function adapterValues(clip: Clip): [name: string, Moment][] {
  const session = sessionOf(clip, 'train')
  return session.parameters.slice(session.own.length).map(({ publicName, shape }, i) => {
    const index = session.own.length + i
    const read = (into?: Float32Array) =>
      session.call((native) => native.read({ index, slot: 'value', ...(into && { into }) }))
    return [`value.${publicName}`, { shape, dtype: 'F32', read }]
  })
}

/** Gives adapters the values that they had. @throws ClipwrightError ERR_MISMATCH when some are missing, ERR_DISPOSED */
export async function restoreAdapters(clip: Clip, values: Record<string, Tensor>): Promise<void> {
  const session = sessionOf(clip, 'train')
  for (const [i, { publicName, shape }] of session.parameters.slice(session.own.length).entries()) {
    const key = `value.${publicName}`
    if (!values[key]) throw new ClipwrightError('ERR_MISMATCH', `train: the run's state lacks ${key}.`)
    const data = tensorData(values[key], shape, key)
    await session.call((native) => native.write({ index: session.own.length + i, slot: 'value', data }))
  }
}

/** @throws ClipwrightError ERR_NOT_FOUND, ERR_FORMAT when it is not a run's state, ERR_IO */
export async function readState(
  folder: string,
): Promise<{ state: TrainingState; optimizer: OptimizerState; adapters: Record<string, Tensor> }> {
  const path = join(folder, STATE_NAME)
  const { tensors, metadata } = await readSafetensors(path)
  const { version: _, optimizerSteps: steps, lossScale, ...state } = parseState(path, metadata[METADATA])
  const all = Object.entries(tensors as Record<string, Tensor>)
  const part = (adapter: boolean) => Object.fromEntries(all.filter(([name]) => ADAPTER.test(name) === adapter))
  return {
    state,
    optimizer: { steps, tensors: part(false), ...(lossScale && { lossScale }) },
    adapters: part(true),
  }
}

function parseState(path: string, json: string | undefined): z.output<typeof schema> {
  try {
    return schema.parse(JSON.parse(json ?? ''))
  } catch (cause) {
    throw new ClipwrightError('ERR_FORMAT', `${path} does not hold the state of a training run.`, { cause })
  }
}
