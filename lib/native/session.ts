/** A session of the core: one model on one device. */
import type { NativeBatch, NativeImages, NativeLoss, NativeTokens } from './batch.js'
import type { NativeTraffic } from './collectives.js'
import type { NativeModel } from './model.js'
import type { NativeSlot, Precision } from './names.js'
import type { NativeOptimizer, NativeStepOptions } from './optimizer.js'
import type { NativeParameter } from './parameter-list.js'
import type {
  NativeLossResult,
  NativeLossScale,
  NativeOpTime,
  NativePlan,
  NativeStepResult,
  NativeWholeStepResult,
} from './results.js'

export type NativeSessionOptions = {
  model: NativeModel
  /** 'cpu', 'reference' or 'cuda:N' */
  device: string
  precision: Precision
  /** 0: as many as the machine has */
  threads: number
  /** False: it only encodes and holds one form of each weight; all that trains is refused. */
  trainable: boolean
  /** Of one that only encodes, in fp32: products read weights that are rounded to 8 bits. */
  rounded: boolean
}

/** Elements of a parameter: all from `first` (0 by default) on, or `count` of them. */
export type NativeElements = {
  index: number
  slot: NativeSlot
  /** The handle of the one whose moments m and v are, or whose averages. */
  optimizer?: number
  first?: number
  count?: number
}

/** Little-endian numbers in an open file, from the byte `position` on. */
export type NativeStored = { file: number; position: number; dtype: 'F32' | 'BF16' | 'F16' }

/** The byte that could not be read; `error` is the system's number, 0 where the file ended. */
export type NativeReadFailure = { position: number; error: number }

/** `parameters`: their indices. Products read W + scale·B·A. */
export type NativeAdapters = { parameters: Float32Array; rank: number; scale: number; seed: number }

/** Of a step, captions of `tokens` each. */
export type NativeShape = {
  batch: number
  tokens: number
  microBatch: number
  checkpointing: boolean
  /** Of a teacher's features; 0 without one. */
  teacherDim: number
}

/** One model on one device with its own engine thread. Calls queue up and run in order; the event loop never waits. */
export interface NativeSession {
  readonly device: string
  readonly threads: number
  /** False when the machine multiplies this session's precision in f32. */
  readonly fastPrecision: boolean
  /** Whether steps run beside the host, so that the next may be queued before the results of the last are in. */
  readonly concurrent: boolean
  parameters(): NativeParameter[]
  /** Random weights (open_clip's distributions) from a seed. */
  initialize(seed: number): Promise<void>
  /** `into`: an array of as many values, which is filled and given back; left alone until this resolves. A new one without. */
  read(from: NativeElements & { into?: Float32Array }): Promise<Float32Array>
  /** `data`: as many values as elements are named. `inPlace`: they are left alone until this resolves, and need not be copied. */
  write(to: NativeElements & { data: Float32Array; inPlace?: boolean }): Promise<void>
  /**
   * Values that a file has one after another, read to where they will be by the session's threads. `file`, a descriptor, stays open
   * until this resolves: with what could not be read, if so.
   */
  writeStored(to: NativeElements & NativeStored): Promise<NativeReadFailure | undefined>
  /** Frozen parameters get no gradient and no update. */
  setTrainable(index: number, trainable: boolean): Promise<void>
  /** Whether its products read it in 8 bits, from when it is next written. */
  setRounded(index: number, rounded: boolean): Promise<void>
  /** Adds NAME.lora_A and NAME.lora_B of each of these behind all parameters. From then on they alone learn. */
  addAdapters(o: NativeAdapters): Promise<void>
  /** What they learned becomes part of the weights, all of which learn again. Their parameters are gone at once. */
  mergeAdapters(): Promise<void>
  /** [count, embedDim] */
  encodeImages(images: NativeImages, normalize: boolean): Promise<Float32Array>
  encodeTexts(tokens: NativeTokens, normalize: boolean): Promise<Float32Array>
  /** The loss of features [n, embedDim] at the current logit scale; nothing is kept. */
  featureLoss(image: Float32Array, text: Float32Array, loss: NativeLoss): Promise<number>
  /** Adds to the gradients. */
  forwardBackward(batch: NativeBatch): Promise<NativeLossResult>
  zeroGrad(): Promise<void>
  /** Returns the optimizer's handle. Its moments start at zero, its step count at 0. */
  createOptimizer(spec: NativeOptimizer): Promise<number>
  /** Update, clamp logit_scale to [0, ln 100], clear gradients. Skipped when the norm is not finite. */
  optimizerStep(optimizer: number, o: NativeStepOptions): Promise<NativeStepResult>
  /** Exchanges values and averages; no step is made until they are exchanged back. */
  exchangeAverages(optimizer: number): Promise<void>
  /**
   * forwardBackward and optimizerStep as one job: what training uses. The pictures are read where they lie: they may
   * neither change nor be transferred before this resolves.
   */
  step(batch: NativeBatch, optimizer: number, o: NativeStepOptions): Promise<NativeWholeStepResult>
  optimizerSteps(optimizer: number): Promise<number>
  setOptimizerSteps(optimizer: number, steps: number): Promise<void>
  /** Nothing in other precisions than fp16. */
  lossScale(): Promise<NativeLossScale | undefined>
  /** To go on from a saved state, before gradients are there. */
  setLossScale(scale: NativeLossScale): Promise<void>
  /** From then on steps are made together with the job's other ranks; all take rank 0's values now. After `joinWorld`. */
  joinGroup(): Promise<void>
  /** Bytes that a step of this shape and loss needs, before running it; of a model that only encodes, those of encoding so many pairs. */
  plan(o: NativeShape & { loss: NativeLoss }): Promise<NativePlan>
  /** While on, `opTimes` has the device's time of each op; a card then runs them one by one. */
  profile(on: boolean): Promise<void>
  /** What took longest first; begins anew. */
  opTimes(): Promise<NativeOpTime[]>
  /** What this rank has sent through the host since `joinGroup`. */
  traffic(): Promise<NativeTraffic>
  /** Stops after the op that is running; queued calls reject with ERR_DISPOSED. */
  dispose(): Promise<void>
}
