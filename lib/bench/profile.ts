/** Where the time of a training step goes, operation by operation. */
import { performance } from 'node:perf_hooks'
import { z } from 'zod'
import { parseOptions } from '../base/options.js'
import type { NativeOpTime } from '../native/results.js'
import { memoryRate, productRate } from './product-rate.js'
import { type BenchTrainingOptions, count, trainingShape, withTraining } from './training.js'

/** What is measured. */
export type BenchProfileOptions = BenchTrainingOptions & {
  /** Profiled steps, after one that warms up; 3 by default. */
  steps?: number
}

/** All calls of one operation in a step. */
export type ProfiledOp = {
  name: string
  calls: number
  ms: number
  /** Of the step. */
  share: number
  /** Billions of floating-point operations, 2 a multiply-add: products and attention alone. */
  gflop: number
  /** Billions of bytes that operands have, each read or written once. */
  gb: number
  /** The least time that the machine needs for this arithmetic or this traffic, of the time that it took. On the CPU alone. */
  ofCeiling?: number
}

/** A step's time by operation. */
export type BenchProfileResult = {
  device: string
  /** Of a step while it is profiled, the mean. */
  stepMs: number
  /** Of it outside of operations: pictures and captions on their way, planning. */
  restMs: number
  /** What the machine reaches with a large product, and with a large copy. On the CPU alone. */
  ceilings?: { gflops: number; gbPerSecond: number }
  /** What takes longest first. */
  ops: ProfiledOp[]
  /** On a card: products of its library by shape, whose time lies within that of their operations. */
  products?: { shape: string; calls: number; ms: number }[]
}

const schema = z.strictObject({ ...trainingShape, steps: count.default(3) })

/**
 * A training step as `benchStep` has it, with the time of each operation.
 * @throws ClipwrightError ERR_INVALID_ARGUMENT, ERR_UNKNOWN_MODEL, ERR_NO_CUDA, ERR_OUT_OF_MEMORY
 */
export async function benchProfile(options: BenchProfileOptions = {}): Promise<BenchProfileResult> {
  const { steps, ...o } = parseOptions(schema, options, 'benchProfile')
  const { device, threads, stepMs, times } = await withTraining(o, 'benchProfile', async ({ session, step }) => {
    await step()
    await session.call((native) => native.profile(true))
    const begin = performance.now()
    for (let i = 0; i < steps; i++) await step()
    const stepMs = (performance.now() - begin) / steps
    const times = await session.call((native) => native.opTimes())
    return { device: session.device, threads: session.threads, stepMs, times }
  })
  const ceilings =
    device === 'cpu'
      ? { gflops: await productRate(o.precision, { threads }), gbPerSecond: await memoryRate(threads) }
      : undefined
  const ops = times.filter(({ shape }) => shape === '').map((time) => profiled(time, steps, stepMs, ceilings))
  const products = times.filter(({ shape }) => shape !== '')
  return {
    device,
    stepMs,
    restMs: stepMs - ops.reduce((sum, { ms }) => sum + ms, 0),
    ...(ceilings && { ceilings }),
    ops,
    ...(products.length > 0 && {
      products: products.map(({ shape, calls, ms }) => ({ shape, calls: calls / steps, ms: ms / steps })),
    }),
  }
}

function profiled(
  { name, calls, flops, bytes, ms: total }: NativeOpTime,
  steps: number,
  stepMs: number,
  ceilings: BenchProfileResult['ceilings'],
): ProfiledOp {
  const [ms, gflop, gb] = [total, flops / 1e9, bytes / 1e9].map((x) => x / steps) as [number, number, number]
  const least = ceilings && 1000 * Math.max(gflop / ceilings.gflops, gb / ceilings.gbPerSecond)
  return {
    name,
    calls: calls / steps,
    ms,
    share: ms / stepMs,
    gflop,
    gb,
    ...(least !== undefined && { ofCeiling: least / ms }),
  }
}
