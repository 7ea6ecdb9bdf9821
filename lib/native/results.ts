/** What the core gives back. */

export type NativeLossResult = { loss: number; logitScale: number }
export type NativeStepResult = {
  gradNorm: number
  skipped: boolean
  /** In fp16: of the next step. */
  lossScale?: number
}
/**
 * `statistics`: of n pairs, where the batch asked for them: the log-sum-exp of each row of logits, then of each column, then each
 * pair's own logit. `deviceMs`: how long a device that works beside the host worked on the step, by its own clock.
 * `microBatch`: what the batch's had to be halved to for want of memory.
 */
export type NativeWholeStepResult = NativeStepResult &
  NativeLossResult & { deviceMs?: number; statistics?: Float32Array; microBatch?: number }
/** What fp16 multiplies the loss by, 1 to 2^24, and how many steps in a row were finite with it. */
export type NativeLossScale = { value: number; goodSteps: number }
/** Bytes. `parameters`: with their `gradients`. `available`: free on the device now, besides what the session has taken already. */
export type NativePlan = {
  parameters: number
  gradients: number
  optimizer: number
  step: number
  total: number
  available: number
}
/**
 * What calls of an op took while they were profiled. `shape`: of a product that an op left to a library, whose time lies within
 * the op's; '' for the ops themselves. `flops` and `bytes`: what `native/ops/cost.h` counts, 0 for products.
 */
export type NativeOpTime = {
  name: string
  shape: string
  calls: number
  launches: number
  ms: number
  flops: number
  bytes: number
}
