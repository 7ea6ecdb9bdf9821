/** Where and how a model runs, from options and the environment. */
import { ClipwrightError } from '../base/errors.js'
import { show } from '../base/options.js'
import { callNative, native } from '../native/addon.js'
import type { Device } from '../native/device-name.js'
import type { NativeModel } from '../native/model.js'
import type { EncodingPrecision } from '../native/names.js'
import type { NativeParameter } from '../native/parameter-list.js'
import { processors } from '../native/processors.js'
import { localRankOf } from '../ranks/job.js'
import { MAX_THREADS } from './run-options.js'
import { ModelSession } from './session.js'

export type RunOptions = {
  device: Device
  precision: EncodingPrecision
  threads?: number | undefined
  /** By default it can be, unless its precision is int8. */
  trainable?: boolean | undefined
}

/**
 * Starts a session for the model; its parameters are zeros until they are initialised or written.
 * @param publicName what users call a parameter of the core's
 * @throws ClipwrightError ERR_NO_CUDA, ERR_UNSUPPORTED, ERR_INVALID_ARGUMENT, ERR_OUT_OF_MEMORY
 */
export async function openSession(
  model: NativeModel,
  publicName: (parameter: NativeParameter) => string,
  o: RunOptions,
): Promise<ModelSession> {
  const { precision } = o
  const rounded = precision === 'int8'
  const { trainable = !rounded } = o
  if (rounded && trainable) {
    const message =
      "precision 'int8' is for encoding: what is rounded to 8 bits cannot learn; leave trainable out, or train in bf16 or fp32."
    throw new ClipwrightError('ERR_UNSUPPORTED', message)
  }
  const device = await backendFor(o.device)
  const threads = threadsFor(o.threads)
  const session = await callNative(() =>
    native().createSession({ model, device, precision: rounded ? 'fp32' : precision, threads, trainable, rounded }),
  )
  if (!session.fastPrecision) warnOnce(precision)
  return new ModelSession(model, { precision, trainable }, session, publicName)
}

/** A card that was asked for by name stays it; the reference stands in for the CPU, too. */
export async function backendFor(device: Device): Promise<string> {
  const backend = process.env.CLIPWRIGHT_BACKEND || 'auto'
  if (!['auto', 'reference', 'cpu', 'cuda'].includes(backend)) {
    throw new ClipwrightError(
      'ERR_INVALID_ARGUMENT',
      `CLIPWRIGHT_BACKEND: expected reference, cpu or cuda, got ${show(backend)}.`,
    )
  }
  // Of several ranks on a machine each takes a card of its own, as long as there are enough.
  if (device === 'cuda' && localRankOf(process.env) !== undefined) {
    const { cards } = await callNative(() => native().describeCuda())
    return cardOfRank(cards.length)
  }
  if (device.startsWith('cuda')) return device
  if (backend === 'reference') return backend
  if (device === 'cpu') return device
  return backend === 'auto' ? bestDevice() : backend
}

const cardOfRank = (cards: number) => `cuda:${(localRankOf(process.env) ?? 0) % Math.max(1, cards)}`

let best: Promise<string> | undefined

/** A card where one can be used, else the CPU. That a machine with NVIDIA's driver falls back is said once. */
function bestDevice(): Promise<string> {
  best ??= callNative(() => native().describeCuda()).then(({ driver, problem, cards }) => {
    if (!problem) return cardOfRank(cards.length)
    if (driver) process.emitWarning(`Running on the CPU: ${problem}.`, { code: 'CLIPWRIGHT_NO_CUDA' })
    return 'cpu'
  })
  return best
}

/** @param asked by default what the environment says, else as many as this process may keep busy. More than that is said once. */
export function threadsFor(asked: number | undefined): number {
  const { visible, threads } = processors()
  const wanted = asked ?? threadsFromEnvironment() ?? threads
  if (wanted > visible && !warned.has('threads')) {
    warned.add('threads')
    process.emitWarning(
      `${wanted} threads were asked for, and this process has ${visible} processors: more threads than processors make nothing faster.`,
      { code: 'CLIPWRIGHT_MANY_THREADS' },
    )
  }
  return wanted
}

function threadsFromEnvironment(): number | undefined {
  const text = process.env.CLIPWRIGHT_THREADS
  if (!text) return undefined
  const threads = Number(text)
  if (Number.isInteger(threads) && threads >= 1 && threads <= MAX_THREADS) return threads
  throw new ClipwrightError(
    'ERR_INVALID_ARGUMENT',
    `CLIPWRIGHT_THREADS: expected a whole number from 1 to ${MAX_THREADS}, got ${show(text)}.`,
  )
}

const warned = new Set<string>()

function warnOnce(precision: string): void {
  if (warned.has(precision)) return
  warned.add(precision)
  process.emitWarning(
    `This device has no fast ${precision} products: values are rounded to ${precision} and multiplied in f32, which saves memory but no time.`,
    { code: 'CLIPWRIGHT_SLOW_PRECISION' },
  )
}
