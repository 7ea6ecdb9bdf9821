/** A loss over features that is measured by itself. */
import type { NativeLoss } from './batch.js'
import type { Precision } from './names.js'

export type NativeLossTimeOptions = {
  loss: NativeLoss
  /** Random features [pairs, width] of both sides. */
  pairs: number
  width: number
  /** What normalised features are rounded to before they are multiplied. */
  precision: Precision
  /** 'cpu', 'reference' or 'cuda:N' */
  device: string
  /** 0: as many as the machine has */
  threads: number
  /** Measured, after one that warms up. */
  runs: number
}

/**
 * `seconds`: forward and backward, the best. `extraBytes`: the most that was held beside features and their gradients;
 * `measured`: as the kernel counted resident pages, rather than as planned.
 */
export type NativeLossTime = { seconds: number; extraBytes: number; measured: boolean }
