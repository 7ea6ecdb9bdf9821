/** A product whose speed is measured. */
import type { Precision } from './names.js'

/** Of a linear layer: y = x·wᵀ, dx = dy·w, dw = dyᵀ·x. */
export const PASSES = ['forward', 'inputGrad', 'weightGrad'] as const
export type NativePass = (typeof PASSES)[number]

/** x [rows, inputs], w [outputs, inputs]. */
export type NativeProduct = {
  precision: Precision
  pass: NativePass
  rows: number
  inputs: number
  outputs: number
  /** 0: as many as the machine has */
  threads: number
}
