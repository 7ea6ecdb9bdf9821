/** How fast this machine trains. */
import { z } from 'zod'
import { invalid } from '../base/errors.js'
import { parseOptions, shapeOf } from '../base/options.js'
import { Clip } from '../clip/clip.js'
import { RUN_OPTIONS } from '../clip/run-options.js'
import { sessionOf } from '../clip/session.js'
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
import { trainStep } from '../optim/train-step.js'
import { productRate } from './product-rate.js'
import { type StepTimes, timeSteps } from './step-times.js'
import { syntheticBatch } from './synthetic-batch.js'

/** What is measured. */
export type BenchStepOptions = {
  /** 'ViT-B-32' by default. */
  model?: string | ModelConfig
  /** 'auto' by default: the best there is. */
  device?: Device
  /** 'bf16' by default. */
  precision?: Precision
  /** Pairs per step; 64 by default. */
  batchSize?: number
  /** Of each caption, its first and last included; 20 by default. */
  tokens?: number
  /** Measured steps, after some to warm up; 5 by default. */
  steps?: number
  /** Pairs at a time through the towers; all by default. */
  microBatch?: number
  /** Recompute blocks in the backward pass; false by default. */
  checkpointing?: boolean
  /** Compute the padding's rows, too; false by default. Not of a BERT, which masks them. */
  fullContext?: boolean
  /** Of the model's own team; as many as the machine has by default. */
  threads?: number
  /** Adapters of this rank learn in place of the weights; none by default. */
  loraRank?: number
  /** The image tower stays as it is, but for its last groups (open_clip's count); it learns by default. */
  lockImage?: boolean
  lockImageUnlockedGroups?: number
  lockText?: boolean
}

/**
 * On the CPU one step at a time, and figures are those of the fastest. A card works beside the host: there, as in training,
 * a step begins before the one before it has ended, and figures are those of all measured steps together.
 */
export type BenchStepResult = {
  device: string
  /** Throughput: on a card the pairs of all measured steps, by the time from the first one's begin to the last one's end. */
  pairsPerSecond: number
  /** What a step takes at that throughput, in milliseconds. */
  stepMs: number
  /** Of the whole process so far. */
  peakRssMiB: number
  /** Billions of floating-point operations per second, by the products alone, at that throughput. */
  gflops: number
  /** On the CPU: what oneDNN reaches with one large product, and the share of it that the step reaches. */
  onednnGflops?: number
  shareOfOnednn?: number
  /** Of the times from one step's end to the next one's. */
  medianStepMs: number
  /** On a card: of the fastest lone step, from the call to its results, its pictures' way to the card included. */
  latencyMs?: number
  /** On a card: how long it works on a step, by its own events; a mean. */
  deviceMs?: number
  /** On a card: `stepMs` without `deviceMs`, in which it waited for the host. */
  hostGapMs?: number
}

const count = z.int().min(1)
const schema = z.strictObject({
  ...shapeOf({ device: RUN_OPTIONS.device, threads: RUN_OPTIONS.threads }, z),
  precision: z.enum(PRECISIONS).default('bf16'),
  model: z.custom<string | ModelConfig>().default('ViT-B-32'),
  batchSize: count.default(64),
  tokens: count.default(20),
  steps: count.default(5),
  microBatch: count.optional(),
  checkpointing: z.boolean().default(false),
  fullContext: z.boolean().default(false),
  loraRank: count.optional(),
  lockImage: z.boolean().default(false),
  lockImageUnlockedGroups: z.int().min(0).default(0),
  lockText: z.boolean().default(false),
})

/**
 * A whole training step: uint8 pictures from the host's memory, captions of one length, forward with the model's dropout, backward,
 * AdamW.
 * @throws ClipwrightError ERR_INVALID_ARGUMENT, ERR_UNKNOWN_MODEL, ERR_NO_CUDA, ERR_OUT_OF_MEMORY
 */
export async function benchStep(options: BenchStepOptions = {}): Promise<BenchStepResult> {
  const o = parseOptions(schema, options, 'benchStep')
  const { config, preprocess } = describeModel(o.model)
  const name = typeof o.model === 'string' ? o.model : 'the model'
  const model = resolveModel(config, preprocess, name)
  checkCaptions(o, model, name)
  const { device, precision, threads, batchSize } = o
  const clip = await Clip.create(o.model, { device, precision, ...(threads && { threads }) })
  try {
    const times = await measure(clip, model, o)
    const { intervals } = times
    const ahead = times.alone.length > 0
    const stepMs = ahead ? mean(intervals) : Math.min(...intervals)
    const tokens = o.fullContext ? model.text.contextLength : o.tokens
    const gflops = (trainFlopsPerPair(model, tokens) * batchSize) / stepMs / 1e6
    const rate = clip.device === 'cpu' ? await productRate(precision) : undefined
    return {
      device: clip.device,
      pairsPerSecond: (1000 * batchSize) / stepMs,
      stepMs,
      peakRssMiB: process.resourceUsage().maxRSS / 1024,
      gflops,
      ...(rate && { onednnGflops: rate, shareOfOnednn: gflops / rate }),
      medianStepMs: intervals.sort((a, b) => a - b)[intervals.length >> 1]!,
      ...(ahead && { latencyMs: Math.min(...times.alone) }),
      ...deviceTimes(times.deviceMs, stepMs),
    }
  } finally {
    await clip.dispose()
  }
}

type Parsed = z.output<typeof schema>

function checkCaptions({ tokens, fullContext }: Parsed, { text }: NativeModel, name: string): void {
  if (tokens > text.contextLength)
    throw invalid(`benchStep: option "tokens": ${name} takes ${text.contextLength} at most, got ${tokens}`)
  if (fullContext && text.bert)
    throw invalid(`benchStep: option "fullContext": the text tower of ${name} is a BERT, which masks padding`)
}

async function measure(clip: Clip, { vision, text }: NativeModel, o: Parsed): Promise<StepTimes> {
  if (o.loraRank) clip.addLora({ rank: o.loraRank })
  lock(clip, { ...(o.lockImage && { image: o.lockImageUnlockedGroups }), ...(o.lockText && { text: 0 }) })
  const optimizer = new AdamW(clip, { lr: 1e-4 })
  const batch = syntheticBatch(o.batchSize, vision.imageSize, text, o.tokens)
  const { microBatch, checkpointing, fullContext } = o
  const options = { ...(microBatch && { microBatch }), checkpointing, fullContext }
  let steps = 0
  const step = () =>
    trainStep(clip, optimizer, batch, new InfoNCE(), { ...options, dropout: { seed: 0, step: ++steps } })
  return timeSteps(step, o.steps, sessionOf(clip, 'benchStep').concurrent)
}

function deviceTimes(times: readonly number[], stepMs: number): Pick<BenchStepResult, 'deviceMs' | 'hostGapMs'> {
  if (times.length === 0) return {}
  const deviceMs = mean(times)
  return { deviceMs, hostGapMs: stepMs - deviceMs }
}

const mean = (values: readonly number[]) => values.reduce((sum, x) => sum + x, 0) / values.length
