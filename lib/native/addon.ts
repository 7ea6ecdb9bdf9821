/** The only file that touches the addon: loads it, types it, and turns its failures into ClipwrightError. */
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { ClipwrightError, type ErrorCode } from '../base/errors.js'

/** The resolved model, as the core wants it: numbers only, no names to look up. */
export type NativeModel = {
  embedDim: number
  /** Initial value of the logarithm; ln(1/0.07) by default. */
  initLogitScale: number
  vision: {
    imageSize: number
    patchSize: number
    width: number
    layers: number
    heads: number
    mlpWidth: number
    activation: NativeActivation
    layerNormEps: number
    mean: [number, number, number]
    std: [number, number, number]
  }
  text: {
    contextLength: number
    vocabSize: number
    width: number
    layers: number
    heads: number
    mlpWidth: number
    activation: NativeActivation
    layerNormEps: number
    /** Left out: CLIP's causal tower. */
    bert?: NativeBert
  }
}
/** What a BERT-like tower has beside the numbers of every tower. */
export type NativeBert = {
  /** Rows of the positional embedding, and the first token's. */
  positions: number
  firstPosition: number
  tokenTypes: number
  pooler: 'cls' | 'pooler' | 'mean'
  lnFinal: boolean
  projection: 'linear' | 'mlp' | 'none'
  initStd: number
  /** Parameters are named as in open_clip's CustomTextCLIP, not as in the reference. */
  customText: boolean
  /** Left out before captions reach the core, which knows no padding. */
  padId: number
}
export type NativePrecision = 'fp32' | 'bf16' | 'fp16'
export type NativeActivation = 'gelu' | 'gelu_tanh' | 'quick_gelu'

export type NativeSessionOptions = {
  model: NativeModel
  /** 'cpu', 'reference', later 'cuda:N' */
  device: string
  precision: NativePrecision
  /** 0: as many as the machine has */
  threads: number
}

/** u8: n·H·W·3 interleaved RGB, not normalised; f32: n·3·H·W, normalised. */
export type NativeImages = { data: Uint8Array | Float32Array; count: number }
/** Packed: sequence s is ids[offsets[s] .. offsets[s+1]]; its feature is read at packed row pool[s]. */
export type NativeTokens = { ids: Int32Array; offsets: Int32Array; pool: Int32Array }
export type NativeLoss = { kind: 'infonce'; reduction: 'mean' | 'sum' }
export type NativeBatch = {
  images: NativeImages
  tokens: NativeTokens
  loss: NativeLoss
  /** Samples at a time through the towers; the loss always sees the whole batch. 0: all at once. */
  microBatch: number
  /** Keep only each block's input and recompute the rest in the backward pass. */
  checkpointing: boolean
}

export type NativeOptimizer = {
  rule: 'adamw' | 'adam' | 'lion' | 'lamb' | 'sgd'
  beta1: number
  beta2: number
  eps: number
  momentum: number
  /** One entry for each parameter, in order. */
  lrScale: Float32Array
  weightDecay: Float32Array
}
export type NativeStepOptions = { lr: number /** 0: no clipping */; maxGradNorm: number }
export type NativeStepResult = {
  gradNorm: number
  skipped: boolean
  /** In fp16: of the next step. */
  lossScale?: number
}
/** What fp16 multiplies the loss by, 1 to 2^24, and how many steps in a row were finite with it. */
export type NativeLossScale = { value: number; goodSteps: number }
export type NativePlan = { parameters: number; optimizer: number; step: number; total: number }

/** Values of a parameter, its gradient, and the optimizer's moments for it. */
export type NativeSlot = 'value' | 'grad' | 'm' | 'v'

/** One model on one device with its own engine thread. Calls queue up and run in order; the event loop never waits. */
export interface NativeSession {
  readonly device: string
  readonly threads: number
  /** False when the machine multiplies this session's precision in f32. */
  readonly fastPrecision: boolean
  /** Whether steps run beside the host, so that the next may be queued before the results of the last are in. */
  readonly concurrent: boolean
  parameters(): { name: string; shape: number[] }[]
  /** Random weights (open_clip's distributions) from a seed. */
  initialize(seed: number): Promise<void>
  /** All elements by default, or `count` of them from `first` on. */
  read(index: number, slot: NativeSlot, optimizer?: number, first?: number, count?: number): Promise<Float32Array>
  /** All elements by default, or as many as there are in `data` from `first` on. */
  write(index: number, slot: NativeSlot, data: Float32Array, optimizer?: number, first?: number): Promise<void>
  /** Frozen parameters get no gradient and no update. */
  setTrainable(index: number, trainable: boolean): Promise<void>
  /** [count, embedDim] */
  encodeImages(images: NativeImages, normalize: boolean): Promise<Float32Array>
  encodeTexts(tokens: NativeTokens, normalize: boolean): Promise<Float32Array>
  /** The loss of normalised features [n, embedDim] at the current logit scale; nothing is kept. */
  featureLoss(image: Float32Array, text: Float32Array, loss: NativeLoss): Promise<number>
  /** Adds to the gradients. */
  forwardBackward(batch: NativeBatch): Promise<{ loss: number; logitScale: number }>
  zeroGrad(): Promise<void>
  /** Returns the optimizer's handle. Its moments start at zero, its step count at 0. */
  createOptimizer(spec: NativeOptimizer): Promise<number>
  /** Update, clamp logit_scale to [0, ln 100], clear gradients. Skipped when the norm is not finite. */
  optimizerStep(optimizer: number, o: NativeStepOptions): Promise<NativeStepResult>
  /** forwardBackward and optimizerStep as one job: what training uses. */
  step(
    batch: NativeBatch,
    optimizer: number,
    o: NativeStepOptions,
  ): Promise<NativeStepResult & { loss: number; logitScale: number }>
  optimizerSteps(optimizer: number): Promise<number>
  setOptimizerSteps(optimizer: number, steps: number): Promise<void>
  /** Nothing in other precisions than fp16. */
  lossScale(): Promise<NativeLossScale | undefined>
  /** To go on from a saved state, before gradients are there. */
  setLossScale(scale: NativeLossScale): Promise<void>
  /** Bytes that a step of this shape needs, before running it. */
  plan(o: { batch: number; tokens: number; microBatch: number; checkpointing: boolean }): Promise<NativePlan>
  /** Stops after the op that is running; queued calls reject with ERR_DISPOSED. */
  dispose(): Promise<void>
}

export type NativeResize = {
  /** [height, width, channels] */
  data: Uint8Array
  /** 3 by default; 4: alpha weighs the colours, then is dropped. */
  channels?: 3 | 4
  /** 'bicubic' by default. */
  filter?: 'bicubic' | 'bilinear' | 'nearest'
  width: number
  height: number
  /** The part of data that is the source, as if it had been cut out: [left, top, width, height]; all of it by default. */
  crop?: [number, number, number, number]
  /** Rectangle of the source in pixels: [left, top, right, bottom]; fractions are allowed. */
  box: [number, number, number, number]
  /** Size of the whole result. */
  outWidth: number
  outHeight: number
  /** The part of the result that is wanted: [left, top, width, height]; all of it by default. */
  window?: [number, number, number, number]
  /** Left and right of that part exchanged. */
  mirrored?: boolean
}

/** One change of a picture: its name and values, as native/image/adjust.h lists them. */
export type NativeAdjustment = [name: string, ...values: number[]]
export type NativeAdjust = { data: Uint8Array; width: number; height: number; adjustments: NativeAdjustment[] }

/** Images of each caption: those of caption j are images[offsets[j] .. offsets[j + 1]]. */
export type NativeRelevance = { offsets: Int32Array; images: Int32Array }
/** images [n, dim], texts [m, dim] */
export type NativeFeatures = { images: Float32Array; texts: Float32Array; dim: number; relevance: NativeRelevance }
export type NativeSimilarity = { similarity: Float32Array; images: number; relevance: NativeRelevance }
/**
 * Ranks count from 0. Of equal scores the later index ranks first.
 * `ofImage`: of the best of its captions among all, -1 without captions. `ofCaption`: of the best of its images among all.
 */
export type NativeRanks = { ofImage: Int32Array; ofCaption: Int32Array }

export interface NativeAddon {
  createSession(o: NativeSessionOptions): Promise<NativeSession>
  /** Of a model that is not made: its parameters in the session's order. */
  parametersOf(model: NativeModel): { name: string; shape: number[] }[]
  /** RGB or RGBA → RGB of the window, [outHeight, outWidth, 3] by default, equal to Pillow's resize. Off the main thread. */
  resizePicture(o: NativeResize): Promise<Uint8Array>
  /** Changes RGB [height, width, 3] in place, one adjustment after another, and gives it back. Off the main thread. */
  adjustPicture(o: NativeAdjust): Promise<Uint8Array>
  /** Of features, in blocks; the matrix never exists. Off the main thread, which must leave them alone until then. */
  rankFeatures(o: NativeFeatures): Promise<NativeRanks>
  /** Of a matrix [images, captions] without NaN. At once. */
  rankMatrix(o: NativeSimilarity): NativeRanks
  /** GFLOP/s of one large product by oneDNN alone, best of several. Takes about a second, off the main thread. */
  productRate(precision: NativePrecision): Promise<number>
  /** Its cards. Off the main thread: the driver takes a while to start. */
  describeCuda(): Promise<CudaDescription>
  /** What the machine has and what is used of it. */
  info(): { isa: string; fastBf16: boolean; threads: number; onednn: string; packagedFor: string }
}

export interface CudaDescription {
  /** Versions; empty where there is none. */
  driver: string
  runtime: string
  cublaslt: string
  cards: { name: string; bytes: number; freeBytes: number; computeCapability: string }[]
  /** Why no card can be used; empty when one can. */
  problem: string
}

type NativeFailure = Error & { code?: string }

let addon: NativeAddon | undefined

/**
 * The addon, loaded at the first use so that `--help` stays fast.
 * @throws ClipwrightError ERR_UNSUPPORTED where no binary fits this platform.
 */
export function native(): NativeAddon {
  if (addon) return addon
  const root = fileURLToPath(new URL('../..', import.meta.url))
  // OpenMP's waiting threads would take the event loop's core; it reads this once, when the library is loaded.
  process.env.OMP_WAIT_POLICY ??= 'passive'
  try {
    const load = createRequire(import.meta.url)('node-gyp-build') as (root: string) => NativeAddon
    addon = load(root)
  } catch (cause) {
    throw new ClipwrightError(
      'ERR_UNSUPPORTED',
      `clipwright has no native binary for ${process.platform}-${process.arch} in ${root}: packages hold linux-x64 (glibc 2.34 or newer); elsewhere build it with "npm run build" in a source checkout.`,
      { cause },
    )
  }
  return addon
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
  if (!(error instanceof Error) || error instanceof ClipwrightError) return error
  const { code } = error as NativeFailure
  if (typeof code !== 'string' || !code.startsWith('ERR_')) return error
  return new ClipwrightError(code as ErrorCode, error.message, { cause: error })
}
