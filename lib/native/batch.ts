/** A batch as the core takes it. */
import type { NativeDistillation, NativeReduction } from './names.js'

/** u8: n·H·W·3 interleaved RGB, not normalised; f32: n·3·H·W, normalised. */
export type NativeImages = { data: Uint8Array | Float32Array; count: number }
/** Packed: sequence s is ids[offsets[s] .. offsets[s+1]]; its feature is read at packed row pool[s]. */
export type NativeTokens = { ids: Int32Array; offsets: Int32Array; pool: Int32Array }
/** In place of either: what its tower, which learns nothing, makes of the inputs, [count, embedDim] and not normalised. */
export type NativeFeatures = { features: Float32Array; count: number }
/** Its kind, and the options of that kind. */
export type NativeLoss =
  | { kind: 'infonce'; reduction: NativeReduction }
  | { kind: 'siglip' }
  /** `weight`: a number. */
  | { kind: 'distill'; by: NativeDistillation; weight: string; reduction: NativeReduction }
/** `kept` patches of each picture stay, drawn from (seed, step, sample). */
export type NativePatchDropout = { kept: number; seed: number; step: number }
/** What dropout draws from, beside an element's place in the batch and the model. */
export type NativeDropout = { seed: number; step: number }
/** A teacher's normalised features [n, dim] of the same pairs. `logitScale`: the logarithm. */
export type NativeTeacher = { image: Float32Array; text: Float32Array; dim: number; logitScale: number }
export type NativeBatch = {
  images: NativeImages | NativeFeatures
  tokens: NativeTokens | NativeFeatures
  teacher?: NativeTeacher
  loss: NativeLoss
  /** Samples at a time through the towers; the loss always sees the whole batch. 0: all at once. */
  microBatch: number
  /** Keep half of what the backward pass reads, and compute norms, attention and the MLPs' hidden units again. */
  checkpointing: boolean
  /** `microBatch`, as often as a step finds no memory. */
  mayHalve: boolean
  /** Whether the step gives back `statistics`. */
  statistics?: boolean
  /** Of a rank's share: its first pair's number in the batch of all ranks, and how many that has; both 0 for a whole batch. */
  first: number
  total: number
  /** Of each pair, of all ranks: equal ones are no wrong pairs of each other. All others are without. */
  groups?: Int32Array
  /** All patches without. */
  patchDropout?: NativePatchDropout
  /** By the model's own rates; nothing is left out without. */
  dropout?: NativeDropout
}
