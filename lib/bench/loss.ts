/** How long the contrastive loss takes by itself, and what memory it needs. */
import { z } from 'zod'
import { parseOptions, shapeOf } from '../base/options.js'
import { backendFor, threadsFor } from '../clip/device.js'
import { RUN_OPTIONS } from '../clip/run-options.js'
import { InfoNCE } from '../loss/info-nce.js'
import { callNative, native } from '../native/addon.js'
import type { Device } from '../native/device-name.js'
import { PRECISIONS, type Precision } from '../native/names.js'

/** What is measured. */
export type BenchLossOptions = {
  /** Pairs n; 16,384 by default. */
  batchSize?: number
  /** Of the features; 512 by default. */
  dim?: number
  /** What normalised features are rounded to before they are multiplied; 'fp32' by default. */
  precision?: Precision
  /** 'auto' by default: the best there is. */
  device?: Device
  /** As many as the process may keep busy by default. */
  threads?: number
  /** Measured, after one that warms up; 3 by default. */
  steps?: number
}

/** Time and memory of the loss by itself. */
export type BenchLossResult = {
  device: string
  /** Forward and backward, the best. */
  seconds: number
  /** The most that was held beside the features and their two gradients. */
  extraMiB: number
  /** Whether `extraMiB` is what the kernel counted, rather than what was planned, as on a card. */
  measured: boolean
  /** Of the features of both sides; their gradients take as much again. */
  featuresMiB: number
  /** Billions of floating-point operations a second: 6·n²·dim. */
  gflops: number
}

const count = z.int().min(1)
const schema = z.strictObject({
  ...shapeOf({ device: RUN_OPTIONS.device, threads: RUN_OPTIONS.threads }, z),
  precision: z.enum(PRECISIONS).default('fp32'),
  batchSize: count.default(16384),
  dim: count.default(512),
  steps: count.default(3),
})

/**
 * InfoNCE of random features, forward and backward.
 * @throws ClipwrightError ERR_INVALID_ARGUMENT, ERR_NO_CUDA, ERR_OUT_OF_MEMORY
 */
export async function benchLoss(options: BenchLossOptions = {}): Promise<BenchLossResult> {
  const { batchSize, dim, precision, steps, ...o } = parseOptions(schema, options, 'benchLoss')
  const device = await backendFor(o.device)
  const threads = threadsFor(o.threads)
  const asked = {
    loss: new InfoNCE().toNative(),
    pairs: batchSize,
    width: dim,
    precision,
    device,
    threads,
    runs: steps,
  }
  const { seconds, extraBytes, measured } = await callNative(() => native().lossTime(asked))
  return {
    device,
    seconds,
    extraMiB: extraBytes / 2 ** 20,
    measured,
    featuresMiB: (2 * batchSize * dim * 4) / 2 ** 20,
    gflops: (6 * batchSize ** 2 * dim) / seconds / 1e9,
  }
}
