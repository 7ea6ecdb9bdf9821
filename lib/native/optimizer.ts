/** An optimizer and its steps as the core takes them. */
import type { NativeRule } from './names.js'

export type NativeOptimizer = {
  rule: NativeRule
  beta1: number
  beta2: number
  eps: number
  momentum: number
  /** One entry for each parameter, in order. */
  lrScale: Float32Array
  weightDecay: Float32Array
  /** Decay of moving averages of the values; 0: none are kept. */
  average: number
}
export type NativeStepOptions = {
  lr: number
  /** 0: no clipping */
  maxGradNorm: number
  /** Of a whole step: a batch whose loss is above changes nothing; 0: any. */
  maxLoss?: number
}
