/** A training step to measure: a model, its optimizer and a batch. */
import { z } from 'zod'
import { invalid } from '../base/errors.js'
import { shapeOf } from '../base/options.js'
import { Clip } from '../clip/clip.js'
import { RUN_OPTIONS } from '../clip/run-options.js'
import { type ModelSession, sessionOf } from '../clip/session.js'
import { InfoNCE } from '../loss/info-nce.js'
import type { ModelConfig } from '../models/config.js'
import { trainFlopsPerPair } from '../models/flops.js'
import { describeModel } from '../models/registry.js'
import { resolveModel } from '../models/resolve.js'
import type { Device } from '../native/device-name.js'
import type { NativeModel } from '../native/model.js'
import { PRECISIONS, type Precision } from '../native/names.js'
import { lock } from '../optim/lock.js'
import { AdamW } from '../optim/rules.js'
import { type TrainStepResult, trainStep } from '../optim/train-step.js'
import { joinWorld } from '../ranks/join.js'
import type { World } from '../ranks/world.js'
import { syntheticBatch } from './synthetic-batch.js'

/** What a step is like. */
export type BenchTrainingOptions = {
  /** 'ViT-B-32' by default. */
  model?: string | ModelConfig
  /** 'auto' by default: the best there is. */
  device?: Device
  /** 'bf16' by default. */
  precision?: Precision
  /** Pairs per step, of all ranks together; 64 by default. */
  batchSize?: number
  /** Of each caption, its first and last included; 20 by default. */
  tokens?: number
  /** Pairs at a time through the towers; all by default. */
  microBatch?: number
  /** Keep half of the activations and compute the others again; false by default. */
  checkpointing?: boolean
  /** Compute the padding's rows, too; false by default. Not of a BERT, which masks them. */
  fullContext?: boolean
  /** Of the model's own team; as many as the process may keep busy by default. */
  threads?: number
  /** Adapters of this rank learn in place of the weights; none by default. */
  loraRank?: number
  /** The image tower stays as it is, but for its last groups (open_clip's count); it learns by default. */
  lockImage?: boolean
  lockImageUnlockedGroups?: number
  lockText?: boolean
}

export const count = z.int().min(1)
export const trainingShape = {
  ...shapeOf({ device: RUN_OPTIONS.device, threads: RUN_OPTIONS.threads }, z),
  precision: z.enum(PRECISIONS).default('bf16'),
  model: z.custom<string | ModelConfig>().default('ViT-B-32'),
  batchSize: count.default(64),
  tokens: count.default(20),
  microBatch: count.optional(),
  checkpointing: z.boolean().default(false),
  fullContext: z.boolean().default(false),
  loraRank: count.optional(),
  lockImage: z.boolean().default(false),
  lockImageUnlockedGroups: z.int().min(0).default(0),
  lockText: z.boolean().default(false),
}
const schema = z.strictObject(trainingShape)
type Parsed = z.output<typeof schema>

/** `flops`: floating-point operations of this rank's part of a step by the products alone. */
export type Training = { session: ModelSession; step: () => Promise<TrainStepResult>; flops: number; world: World }

/**
 * Makes the model, hands its step over and disposes of it. Ranks of a job share the batch, and all of them call this.
 * @throws ClipwrightError ERR_INVALID_ARGUMENT, ERR_UNKNOWN_MODEL, ERR_NO_CUDA, ERR_OUT_OF_MEMORY, ERR_IO once another rank has ended
 */
export async function withTraining<T>(o: Parsed, where: string, use: (training: Training) => Promise<T>): Promise<T> {
  const world = await joinWorld()
  try {
    const result = await trainingIn(world, o, where, use)
    if (world.size > 1) await world.exchange('done') // a launcher ends a job with the first rank that goes
    return result
  } catch (error) {
    await world.tell(error)
    throw error
  }
}

async function trainingIn<T>(
  world: World,
  o: Parsed,
  where: string,
  use: (training: Training) => Promise<T>,
): Promise<T> {
  const { config, preprocess } = describeModel(o.model)
  const name = typeof o.model === 'string' ? o.model : 'the model'
  const model = resolveModel(config, preprocess, name)
  checkCaptions(o, model, name, where)
  if (o.batchSize < world.size)
    throw invalid(
      `${where}: option "batchSize": ${o.batchSize} pairs cannot be shared by ${world.size} ranks; raise it or start fewer`,
    )
  const { device, precision, threads = world.threads } = o
  const clip = await Clip.create(o.model, { device, precision, ...(threads && { threads }) })
  try {
    const tokens = o.fullContext ? model.text.contextLength : o.tokens
    const flops = trainFlopsPerPair(model, tokens) * world.share(o.batchSize).count
    const session = sessionOf(clip, where)
    const step = stepOf(clip, model, o, world)
    if (world.size > 1) await session.call((native) => native.joinGroup())
    return await use({ session, step, flops, world })
  } finally {
    await clip.dispose()
  }
}

function checkCaptions({ tokens, fullContext }: Parsed, { text }: NativeModel, name: string, where: string): void {
  if (tokens > text.contextLength)
    throw invalid(`${where}: option "tokens": ${name} takes ${text.contextLength} at most, got ${tokens}`)
  if (fullContext && text.bert)
    throw invalid(`${where}: option "fullContext": the text tower of ${name} is a BERT, which masks padding`)
}

function stepOf(clip: Clip, { vision, text }: NativeModel, o: Parsed, world: World): Training['step'] {
  if (o.loraRank) clip.addLora({ rank: o.loraRank })
  lock(clip, { ...(o.lockImage && { image: o.lockImageUnlockedGroups }), ...(o.lockText && { text: 0 }) })
  const optimizer = new AdamW(clip, { lr: 1e-4 })
  const { first, count } = world.share(o.batchSize)
  const batch = syntheticBatch(count, vision.imageSize, text, o.tokens)
  const { microBatch, checkpointing, fullContext } = o
  const options = {
    ...(microBatch && { microBatch }),
    checkpointing,
    fullContext,
    ...(world.size > 1 && { share: { first, total: o.batchSize } }),
  }
  let steps = 0
  return () => trainStep(clip, optimizer, batch, new InfoNCE(), { ...options, dropout: { seed: 0, step: ++steps } })
}
