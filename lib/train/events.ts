/** What a training run tells while it runs. */

import type { RecallTable } from '../eval/metrics.js'
import type { ModelConfig } from '../models/config.js'
import type { TrainOptions } from './options/options.js'

/** What a run came to. */
export type TrainResult = {
  /** Optimizer steps since the run first started, those before a resume included. */
  steps: number
  /** Finished passes over the training list. */
  epochs: number
  /** Mean loss of the last epoch (of its part so far, when interrupted). */
  loss: number
  /** The checkpoint in `checkpoints/best`: by mean recall in percent, or NaN without a validation list. */
  best: { step: number; rMean: number }
  /** The run folder. */
  out: string
  /** Losses that jumped or were not finite: all, those not learned from, and those that took the weights back (`onSpike`). */
  spikes: { count: number; skipped: number; rewound: number }
  /** True when `stop()` ended the run before its last step; `resume` goes on from here. */
  interrupted: boolean
}

/** What happens in a run; `log.jsonl` has the same, one a line. Losses are means over their batches. */
export type TrainEvent =
  | {
      type: 'start'
      config: ModelConfig
      parameters: number
      /** What it runs on: `cpu`, `cuda:0`; never `auto`. */
      device: string
      pairs: number
      /** Of the whole run. */
      steps: number
      /** Those done before, in a run that goes on. */
      step: number
      /** The highest rate of the schedule and what it ends at, fitted to the batch where `fitLr` asks for that. */
      rates: { lr: number; minLr: number }
      /** Every option with the value it has, as `config.json` keeps them. */
      options: TrainOptions
    }
  | {
      type: 'step'
      /** Counted from 1. */
      step: number
      /** Counted from 0. */
      epoch: number
      loss: number
      lr: number
      gradNorm: number
      /** exp of the learned logarithm: what similarities are multiplied by. */
      logitScale: number
      /** Since the last `step` event. */
      pairsPerSecond: number
      /** Milliseconds that the step waited for its batch. */
      dataWaitMs: number
      /** Of the time since the last `step` event: in which steps waited for their batches, 0 to 1. */
      dataWaitShare: number
    }
  | { type: 'eval'; epoch: number; step: number; loss: number; recall: RecallTable }
  /** The loss alone, after an epoch that `validateEvery` asks for and `evalEvery` does not. */
  | { type: 'validation'; epoch: number; step: number; loss: number }
  /** A list of `canary`: in percent, now and at the start, after no step and with each evaluation. */
  | { type: 'canary'; step: number; list: string; measure: CanaryMeasure; value: number; start: number }
  | { type: 'epoch'; epoch: number; loss: number }
  | { type: 'checkpoint'; step: number; path: string }
  /** `samples`: the numbers of those that it is about, where it is about a batch. */
  | { type: 'warning'; code: TrainWarning; message: string; samples?: number[] }
  | { type: 'end'; result: TrainResult }

/** Mean recall of a list, or accuracy over a folder of classes. */
export type CanaryMeasure = 'r_mean' | 'top1'

/** A warning before it is told. */
export type Note = { code: TrainWarning; message: string }

/** Why a run warns. */
export type TrainWarning =
  /** Captions longer than the context lost their end; said once, with their number. */
  | 'caption_cut'
  /** A good part of the captions is lost on the tokenizer, as Chinese is on CLIP's; said before the first step. */
  | 'captions_illegible'
  /** A picture could not be read, and the next sample took its place. */
  | 'bad_sample'
  /** The gradients' norm was not finite, so the weights stayed as they were. In fp16 a few are usual: the loss scale falls. */
  | 'step_skipped'
  /** A loss jumped or was not finite: its samples, and what was done about it (`onSpike`). */
  | 'loss_spike'
  /** After a jump of the loss the weights are those of a checkpoint again. */
  | 'rewound'
  /** The newest step's loss was not finite, so that a checkpoint was put off until a later one is. */
  | 'not_saved'
  /** What `load` with `strict: false` took, and what it left. */
  | 'partial_weights'
  /** What was resumed differs from the uninterrupted run. */
  | 'not_exact'
  /** After the last epoch the loss is that of guessing. */
  | 'not_learning'
  /** Files of a run that goes on are damaged or cut off: which, and what was done about it. */
  | 'damaged'
  /** The run goes on with another validation list, so that the best is looked for anew, or with another list of `canary`. */
  | 'validation_changed'
  /** A list of `canary` fell by more than `canaryDrop` of what it was at the start; said once, until it has recovered. */
  | 'forgetting'
  /** Pictures of the validation list cannot be read; said beside the first steps, where `checkVal` left some. Those found before end the run. */
  | 'bad_validation'
  /** Pictures that could not be read before the run was resumed can be read now. */
  | 'repaired_samples'
  /** The learning rate still rises when the run ends. */
  | 'warmup_too_long'
  /** Weights were given and no learning rate, so that a lower one than from scratch was taken. */
  | 'fine_tuning_rate'
  /** With one pair there is nothing to contrast it with. */
  | 'batch_of_one'
  /** The disk does not take the log's lines, or those of another file that grows; they are tried again. */
  | 'not_written'
  /** Entries of the validation list named a picture again and were joined with it; said before the first step. */
  | 'pictures_joined'
  /** Samples that are no pairs were left out, or something else is odd about the data; said before the first step. */
  | 'data'
  /** The folder of decoded pictures cannot keep more, or what it held was of no use; the run goes on. */
  | 'cache'
  /** `memory`, or a step that found none, made micro-batches of the steps, or has them compute parts of blocks again. */
  | 'memory'
  /** A locked tower's features are kept: what was found of them, or why the disk does not take them. */
  | 'feature_cache'
  /** A plot could not be drawn, or its letters cannot be read. */
  | 'plot'
