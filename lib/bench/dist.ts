/** What the ranks of a job tell each other in what time. */
import { hostname } from 'node:os'
import { z } from 'zod'
import { ClipwrightError } from '../base/errors.js'
import { parseOptions, shapeOf } from '../base/options.js'
import { backendFor, threadsFor } from '../clip/device.js'
import { RUN_OPTIONS } from '../clip/run-options.js'
import { callNative, native } from '../native/addon.js'
import type { NativeCollectiveTime } from '../native/collectives.js'
import type { Device } from '../native/device-name.js'
import { joinWorld } from '../ranks/join.js'
import { fitLatency } from './latency.js'

/** What is measured. */
export type BenchDistOptions = {
  /** 'auto' by default: the best there is. */
  device?: Device
  /** The largest size; 256 by default. */
  mostMib?: number
  /** About how long each size is measured; 0.5 by default. */
  seconds?: number
}

/** A size of a collective. */
export type MeasuredCollective = {
  /** Of the whole: what is summed up, gathered, or summed up and scattered. */
  bytes: number
  /** What this rank sends the others of it. */
  sent: number
  /** Of a call on the slowest rank, the best and the median of five rounds of `calls` one after another. */
  bestUs: number
  medianUs: number
  calls: number
  /** What each rank sends in that time, in billions of bytes a second, by the median. */
  gbPerSecond: number
}

/** A collective by size, and the line through it. */
export type CollectiveSpeed = {
  name: 'all_reduce' | 'all_gather' | 'reduce_scatter'
  sizes: MeasuredCollective[]
  /** A call takes `alphaUs` and what it sends at `gbPerSecond`; no size is further from that than `worst` times. Infinity where all sizes took alike. */
  fit: { alphaUs: number; gbPerSecond: number; worst: number }
}

/** What the group at hand can do. */
export type BenchDistResult = {
  ranks: number
  hosts: number
  device: string
  /** What values between ranks go through: "the host", or on cards NCCL by its version. */
  way: string
  collectives: CollectiveSpeed[]
}

const schema = z.strictObject({
  ...shapeOf({ device: RUN_OPTIONS.device }, z),
  mostMib: z.number().positive().max(1024).default(256),
  seconds: z.number().positive().default(0.5),
})

const ALONE =
  'benchDist: one process has nobody to talk to, so there is nothing to measure; start several as ranks of one job: mpirun -n 2 npx clipwright bench dist.'

/**
 * The sums, gatherings and scatterings of training as its steps make them, from 4 bytes upwards. All ranks of a job call it alike
 * and have the same result.
 * @throws ClipwrightError ERR_INVALID_ARGUMENT, ERR_NO_CUDA, ERR_OUT_OF_MEMORY, ERR_UNSUPPORTED in a process that is no rank of
 *   several, ERR_IO once another rank has ended
 */
export async function benchDist(options: BenchDistOptions = {}): Promise<BenchDistResult> {
  const o = parseOptions(schema, options, 'benchDist')
  const world = await joinWorld()
  if (world.size === 1) throw new ClipwrightError('ERR_UNSUPPORTED', ALONE)
  try {
    const device = await backendFor(o.device)
    const threads = threadsFor(world.threads)
    const mostBytes = Math.max(4, Math.floor(o.mostMib * 2 ** 20))
    const hosts = new Set(await world.exchange(hostname())).size
    const { way, times } = await callNative(() =>
      native().collectiveTimes({ device, threads, mostBytes, seconds: o.seconds }),
    )
    const names = ['all_reduce', 'all_gather', 'reduce_scatter'] as const
    const collectives = names.map((name) =>
      speedOf(
        name,
        times.filter((time) => time.name === name),
      ),
    )
    await world.exchange('done')
    return { ranks: world.size, hosts, device, way, collectives }
  } catch (error) {
    await world.tell(error)
    throw error
  }
}

function speedOf(name: CollectiveSpeed['name'], times: readonly NativeCollectiveTime[]): CollectiveSpeed {
  const { alpha, beta, worst } = fitLatency(times.map(({ sent, median }) => ({ sent, seconds: median })))
  return {
    name,
    sizes: times.map(({ bytes, sent, calls, best, median }) => ({
      bytes,
      sent,
      bestUs: best * 1e6,
      medianUs: median * 1e6,
      calls,
      gbPerSecond: sent / median / 1e9,
    })),
    fit: { alphaUs: alpha * 1e6, gbPerSecond: 1 / beta / 1e9, worst },
  }
}
