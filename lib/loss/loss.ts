/** What training asks of a loss over pairs, whichever kind it is. */
import type { NativeLoss } from '../native/batch.js'

/** A loss over a batch of matching pairs. */
export interface Loss {
  /** @internal As the core takes it. */
  toNative(): NativeLoss
}

/** The loss of a model that only guesses among a batch's pairs. */
export type Guessing = {
  value: number
  /** How it is worked out, as messages and plots show it: `ln 64`. */
  formula: string
  /** Below it by less than this nothing has been learned. */
  margin: number
}

/** One that `train` can be told by name. */
export interface TrainableLoss extends Loss {
  /** @internal */
  guessing(pairs: number): Guessing
  /** @internal What a model that is trained with it from scratch begins with, where its configuration does not say. */
  readonly newModels?: { initLogitScale: number; initLogitBias: number }
}
