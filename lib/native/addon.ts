/** The only file that touches the addon: loads it, types it, and turns its failures into ClipwrightError. */

import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { isError } from '../base/brands.js'
import { ClipwrightError, type ErrorCode } from '../base/errors.js'
import type { NativeCollectiveTimes, NativeCollectiveTimesOptions } from './collectives.js'
import type { CudaDescription } from './cuda-description.js'
import type { NativeAdjust, NativeResize } from './image.js'
import type { NativeLossTime, NativeLossTimeOptions } from './loss-time.js'
import type { NativeModel } from './model.js'
import type { NativeParameter } from './parameter-list.js'
import { thisPlatform, whyElsewhere, whyForbidden, whyUnsupported } from './platform.js'
import type { NativeProduct } from './product-rate.js'
import type { NativeBest, NativeFeatures, NativeRanks, NativeRows, NativeSimilarity } from './ranks.js'
import type { NativeReadSummed } from './read-summed.js'
import type { NativeSession, NativeSessionOptions } from './session.js'
import type { NativeWorld } from './world.js'

export interface NativeAddon {
  createSession(o: NativeSessionOptions): Promise<NativeSession>
  /** Of a model that is not made: its parameters in the session's order. */
  parametersOf(model: NativeModel): NativeParameter[]
  /** RGB or RGBA → RGB of the window, [outHeight, outWidth, 3] by default, equal to Pillow's resize. Off the main thread. */
  resizePicture(o: NativeResize): Promise<Uint8Array>
  /** Changes RGB [height, width, 3] in place, one adjustment after another, and gives it back. Off the main thread. */
  adjustPicture(o: NativeAdjust): Promise<Uint8Array>
  /** Reads a part of a file and gives its CRC-32. Off the main thread. @throws where the file ends before, or is not to be read */
  readSummed(o: NativeReadSummed): Promise<number>
  /** Of features, in blocks; the matrix never exists. Off the main thread, which must leave them alone until then. */
  rankFeatures(o: NativeFeatures & { rows?: NativeRows; best?: NativeBest }): Promise<NativeRanks>
  /** What `rankFeatures` of these rows has to know of all others: `best` is what all parts found. */
  bestOfCaptions(o: NativeFeatures & { rows: NativeRows }): Promise<NativeBest>
  /** Of a matrix [images, captions] without NaN. At once. */
  rankMatrix(o: NativeSimilarity): NativeRanks
  /** GFLOP/s of one product by oneDNN alone, best of several. Off the main thread, as are the next two. */
  productRate(shape: NativeProduct): Promise<number>
  /** Bytes a second that a large copy reads and writes. */
  memoryRate(threads: number): Promise<number>
  /** Of a loss by itself, the best of `runs`. */
  lossTime(o: NativeLossTimeOptions): Promise<NativeLossTime>
  /** Of the job's ranks, all of which call it alike, after `joinWorld`. */
  collectiveTimes(o: NativeCollectiveTimesOptions): Promise<NativeCollectiveTimes>
  /** Its cards. Off the main thread: the driver takes a while to start. */
  describeCuda(): Promise<CudaDescription>
  /** Joins the job that this process was started as a rank of. Off the main thread. */
  joinWorld(): Promise<NativeWorld>
  /** Gives the system back what the allocator of this process holds and nobody uses. Off the main thread. */
  returnMemory(): Promise<void>
  /** What the machine has and what is used of it. Memory in bytes; `cgroupMemory` is 0 where no cgroup limits it. */
  info(): {
    isa: string
    fastBf16: boolean
    threads: number
    onednn: string
    availableMemory: number
    cgroupMemory: number
    packagedFor: string
  }
}

type NativeFailure = Error & { code?: string }

let addon: NativeAddon | undefined

/**
 * The addon, loaded at the first use so that `--help` stays fast.
 * @throws ClipwrightError ERR_UNSUPPORTED where no binary fits this platform, or the package has lost its own.
 */
export function native(): NativeAddon {
  if (addon) return addon
  const root = fileURLToPath(new URL('../..', import.meta.url))
  try {
    const load = createRequire(import.meta.url)('node-gyp-build') as (root: string) => NativeAddon
    addon = withBriefSpinning(() => load(root))
  } catch (cause) {
    throw new ClipwrightError('ERR_UNSUPPORTED', whyNotLoaded(root, cause), { cause })
  }
  return addon
}

/**
 * Loads OpenMP's library with what it reads then of how its threads wait for each other. For good they would take the event loop's
 * core; but to sleep between the operations of one picture, some tens of microseconds each, costs as much as those: so they spin
 * for a fraction of a millisecond first, where there are no more threads than processors. Whoever has said how they wait is not asked,
 * and programs that this process starts are not told.
 */
function withBriefSpinning<T>(load: () => T, env = process.env): T {
  if (env.OMP_WAIT_POLICY !== undefined || env.GOMP_SPINCOUNT !== undefined) return load()
  env.OMP_WAIT_POLICY = 'passive'
  env.GOMP_SPINCOUNT = '5000'
  try {
    return load()
  } finally {
    delete env.OMP_WAIT_POLICY
    delete env.GOMP_SPINCOUNT
  }
}

function whyNotLoaded(root: string, cause: unknown): string {
  const unsupported = whyForbidden(cause) ?? whyElsewhere(root) ?? whyUnsupported(root, thisPlatform())
  if (unsupported) return unsupported
  const [reason] = String(isError(cause) ? cause.message : cause).split('\n')
  return `clipwright's native binary in ${root} does not load (${reason}): install it again, or in a source checkout remove build/ and run "npm run build".`
}

/** Runs a native call; its failures become ClipwrightError with the native code. */
export async function callNative<T>(call: () => Promise<T>): Promise<T> {
  try {
    return await call()
  } catch (error) {
    throw fromNative(error)
  }
}

function fromNative(error: unknown): unknown {
  if (!isError(error) || error instanceof ClipwrightError) return error
  const { code } = error as NativeFailure
  if (typeof code !== 'string' || !code.startsWith('ERR_')) return error
  return new ClipwrightError(code as ErrorCode, error.message, { cause: error })
}
