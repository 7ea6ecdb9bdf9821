/** What a run measures, tells and keeps. */
import { interval } from '../../../base/interval.js'
import { choice, count, onOff, share, text, texts, wholeNumber } from '../../../base/kinds.js'
import { PRECISIONS } from '../../../native/names.js'
import { option } from '../declare.js'

export const KEEPING = {
  /** Epochs from one evaluation to the next; 1 by default, 0 only at the end. */
  evalEvery: option(wholeNumber(0), {
    default: 1,
    value: '<epochs>',
    help: 'epochs between evaluations; 0: only at the end',
    resume: 'free',
  }),
  /** Epochs from one validation loss to the next, where no evaluation measures it anyway; 0, never, by default. */
  validateEvery: option(wholeNumber(0), {
    default: 0,
    value: '<epochs>',
    help: 'epochs between validation losses without recall; 0: never',
    resume: 'free',
  }),
  /**
   * What the model knew before and must not forget, with `load` or `pretrained`: lists as `val` takes them (mean recall), or
   * folders with a folder of pictures for each class (top-1 of zero-shot classification). Each is measured before the first
   * step and with each evaluation; when it falls too far, a warning (`forgetting`) says so.
   */
  canary: option(texts, {
    value: '<list>',
    help: 'a list, or a folder per class, that the model must not forget; may be repeated',
    resume: 'free',
  }),
  /** How much of what it was at the start a list of `canary` may lose before that is warned about; 0.1, a tenth, by default. */
  canaryDrop: option(share, {
    default: 0.1,
    help: 'share of its start that it may lose without a warning',
    resume: 'free',
  }),
  /**
   * From one checkpoint to the next: steps (`500`), or a time (`'90s'`, `'10m'`, `'1.5h'`), after which the step that runs is
   * saved; the end of each epoch by default. The end of the run is always saved.
   */
  saveEvery: option(interval, {
    help: 'between checkpoints: steps such as 500, or a time such as 10m',
    otherwise: 'at the end of each epoch',
    resume: 'free',
  }),
  /**
   * Where features of a locked tower are kept for later runs, where its input is not random (pictures without `augment`, captions
   * without dropout, all that the run measures on): each picture and caption goes through it once. `features` in the cache folder by default; 'off' runs it in
   * every step.
   */
  featureCache: option(text, {
    value: '<folder>',
    help: 'where features of a locked tower are kept whose input is not random; "off": nowhere',
    otherwise: 'features in the cache folder',
    resume: 'inexact',
  }),
  /**
   * What is done when a loss jumps (docs/guides/interruptions.md has the rule) or is not finite; 'stop' by default. All name its samples,
   * and all end the run at five in a row. 'stop': a jump is told alone, and what is not finite is not learned from. 'skip': neither
   * is. 'rewind': the weights go back to the newest checkpoint, and the data go on.
   */
  onSpike: option(choice(['stop', 'skip', 'rewind']), {
    default: 'stop',
    value: '<policy>',
    help: 'when a loss jumps: stop at five in a row, skip what it teaches, or rewind to the newest checkpoint',
    resume: 'inexact',
  }),
  /**
   * Keeps what each sample cost, in `ledger.safetensors` of each checkpoint, for `clipwright ledger`; false by default. Weights do not
   * depend on it.
   */
  ledger: option(onOff, {
    default: false,
    help: 'keep what each sample cost, for `clipwright ledger`',
    resume: 'free',
  }),
  /** Steps from one `step` event to the next; 1 by default. */
  logEvery: option(count, { default: 1, value: '<steps>', help: 'steps between events', resume: 'free' }),
  /** Checkpoints kept beside `last` and `best`, as `step-N`; 0 by default. */
  keep: option(wholeNumber(0), { default: 0, help: 'checkpoints kept beside last and best', resume: 'free' }),
  /**
   * Epochs from one set of weights to the next in `weights/`, named by epoch and losses, beside `best_epoch_weights`
   * (of the lowest validation loss) and `last_epoch_weights`; 0, none of them, by default.
   */
  weightsEvery: option(wholeNumber(0), {
    default: 0,
    value: '<epochs>',
    help: 'epochs between weights named by epoch and losses; 0: none',
    resume: 'free',
  }),
  /** What those weights are rounded to; 'fp32' by default. */
  weightsDtype: option(choice(PRECISIONS), {
    default: 'fp32',
    value: '<type>',
    help: 'what those are rounded to',
    resume: 'free',
  }),
}
