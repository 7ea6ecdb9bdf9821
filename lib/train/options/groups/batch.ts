/** How much is learned, and how much at once. */
import { memorySize } from '../../../base/bytes.js'
import { count, onOff } from '../../../base/kinds.js'
import { option } from '../declare.js'

export const BATCH = {
  /** Passes over the training list; 30 by default. */
  epochs: option(count, { default: 30, help: 'passes over the list', resume: 'inexact' }),
  /** Pairs per step; 64 by default. The loss contrasts each pair with all others of its batch. */
  batchSize: option(count, { default: 64, help: 'pairs per step', resume: 'fixed' }),
  /** Pairs at a time through the towers, in bounded memory, at unchanged mathematics; all at once by default. */
  microBatch: option(count, {
    help: 'pairs at a time through the towers',
    otherwise: 'all at once',
    resume: 'inexact',
  }),
  /**
   * What weights, gradients, moments and a step may take together: bytes, or text such as '16G'. Chooses `microBatch` and
   * `checkpointing` where they are not given, and refuses what cannot fit. On a card, leave it some for the driver.
   */
  memory: option(memorySize, {
    help: 'bytes such as 16G that all of it may take: chooses --micro-batch and --checkpointing',
    otherwise: 'what is free',
    resume: 'inexact',
  }),
  /** Keep half of the activations and compute the others again in the backward pass; false by default. */
  checkpointing: option(onOff, {
    default: false,
    help: 'keep half of the activations, compute the others again in the backward pass',
    resume: 'inexact',
  }),
}
