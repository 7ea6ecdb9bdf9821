/** Learning rates over a run. */
import { choice, onOff, positive, rate, wholeNumber } from '../../../base/kinds.js'
import { SCHEDULES } from '../../schedule.js'
import { option } from '../declare.js'

export const SCHEDULE = {
  /** The highest learning rate; 5e-4 by default. */
  lr: option(rate, {
    default: 5e-4,
    value: '<rate>',
    help: 'highest learning rate; 5e-5 where weights are loaded and this is not given',
    resume: 'inexact',
  }),
  /** What the schedule ends at; 0 by default, a hundredth of `lr` with a schedule by epoch. */
  minLr: option(rate, {
    value: '<rate>',
    help: 'where the schedule ends',
    otherwise: '0; by epoch a hundredth of --lr',
    resume: 'inexact',
  }),
  /** Fits `lr` and `minLr` to the batch as the reference does: times batchSize / 64, kept within 3e-5 to 1e-4; false by default. */
  fitLr: option(onOff, {
    default: false,
    help: 'scale both by batch size / 64, within 3e-5 to 1e-4',
    resume: 'inexact',
  }),
  /**
   * 'cosine' by default. 'cosine', 'const' and 'const-cooldown' are open_clip's and change the rate with each step;
   * 'epoch-cosine' and 'epoch-step' are the reference's `cos` and `step` and change it once per epoch.
   */
  schedule: option(choice(SCHEDULES), {
    default: 'cosine',
    value: '<kind>',
    help: 'of the learning rate: by step, or once per epoch',
    resume: 'inexact',
  }),
  /** Steps in which the learning rate rises to `lr`; a twentieth of the run by default, 2,000 at most. Not by epoch. */
  warmup: option(wholeNumber(0), {
    value: '<steps>',
    help: 'steps of rising learning rate',
    otherwise: 'a twentieth, 2,000 at most',
    resume: 'inexact',
  }),
  /** Of 'const-cooldown': the last steps, in which the rate falls to `minLr`; a fifth of the run by default. */
  cooldown: option(wholeNumber(0), {
    value: '<steps>',
    help: 'last steps of const-cooldown',
    otherwise: 'a fifth',
    resume: 'inexact',
  }),
  /** Of 'const-cooldown': 1, a straight fall, by default. */
  cooldownPower: option(positive, {
    help: 'of the fall in const-cooldown',
    otherwise: '1, straight',
    resume: 'inexact',
  }),
}
