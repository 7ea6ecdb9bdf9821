/** How fast this machine trains. */
import { z } from 'zod'
import { parseOptions } from '../base/options.js'
import type { ModelSession } from '../clip/session.js'
import type { NativeTraffic } from '../native/collectives.js'
import { median, peakRssMiB } from './measured.js'
import { productRate } from './product-rate.js'
import { timeSteps } from './step-times.js'
import { type BenchTrainingOptions, count, type Training, trainingShape, withTraining } from './training.js'

/** What is measured. */
export type BenchStepOptions = BenchTrainingOptions & {
  /** Measured steps, after some to warm up; 5 by default. */
  steps?: number
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
  /** Where several ranks share the batch: how many, and what this one sends in a step. `gflops` is then this rank's. */
  ranks?: number
  sent?: StepTraffic
}

/** By collective: calls of a step, and the bytes of this rank's that others are given. */
export type StepTraffic = Record<string, { calls: number; bytes: number }>

const schema = z.strictObject({ ...trainingShape, steps: count.default(5) })

/**
 * A whole training step: uint8 pictures from the host's memory, captions of one length, forward with the model's dropout, backward,
 * AdamW.
 * @throws ClipwrightError ERR_INVALID_ARGUMENT, ERR_UNKNOWN_MODEL, ERR_NO_CUDA, ERR_OUT_OF_MEMORY
 */
export async function benchStep(options: BenchStepOptions = {}): Promise<BenchStepResult> {
  const { steps, ...o } = parseOptions(schema, options, 'benchStep')
  return withTraining(o, 'benchStep', async ({ session, step, flops, world }) => {
    const { intervals, alone, deviceMs } = await timeSteps(step, steps, session.concurrent)
    const ahead = alone.length > 0
    const stepMs = ahead ? mean(intervals) : Math.min(...intervals)
    const gflops = flops / stepMs / 1e6
    const sent = world.size > 1 ? await trafficOf(session, step) : undefined
    const peak = peakRssMiB() // before the products, which need memory of their own
    const rate = session.device === 'cpu' ? await productRate(o.precision, { threads: session.threads }) : undefined
    return {
      device: session.device,
      pairsPerSecond: (1000 * o.batchSize) / stepMs,
      stepMs,
      peakRssMiB: peak,
      gflops,
      ...(rate && { onednnGflops: rate, shareOfOnednn: gflops / rate }),
      medianStepMs: median(intervals),
      ...(ahead && { latencyMs: Math.min(...alone) }),
      ...deviceTimes(deviceMs, stepMs),
      ...(sent && { ranks: world.size, sent }),
    }
  })
}

async function trafficOf(session: ModelSession, step: Training['step']): Promise<StepTraffic> {
  const traffic = () => session.call((native) => native.traffic())
  const before = await traffic()
  await step()
  const after = await traffic()
  const names = Object.keys(after) as (keyof NativeTraffic)[]
  return Object.fromEntries(
    names.map((name) => {
      const [a, b] = [before[name], after[name]]
      return [name, { calls: b.calls - a.calls, bytes: b.bytes - a.bytes }]
    }),
  )
}

function deviceTimes(times: readonly number[], stepMs: number): Pick<BenchStepResult, 'deviceMs' | 'hostGapMs'> {
  if (times.length === 0) return {}
  const deviceMs = mean(times)
  return { deviceMs, hostGapMs: stepMs - deviceMs }
}

const mean = (values: readonly number[]) => values.reduce((sum, x) => sum + x, 0) / values.length
