/** Where a run lives and what it begins with. */
import { abortSignal, choice, onOff, path, wholeNumber } from '../../../base/kinds.js'
import { option } from '../declare.js'
import { PRESET_NAMES } from '../presets.js'

export const RUN = {
  /**
   * Takes that preset's settings in place of the defaults; an option that is given wins over it, in `--config`, too.
   * 'reference': how the reference system trains (docs/reference.md). 'hundreds', 'thousands', '100k', 'millions': fine-tuning of
   * `load` or `pretrained` on so many pairs (docs/guides/fine-tuning.md).
   */
  preset: option(choice(PRESET_NAMES), {
    help: 'settings in place of the defaults: the reference, or fine-tuning on so many pairs; flags win',
    resume: 'free',
  }),
  /** The run folder; `runs/` and the time by default. */
  out: option(path, { value: '<folder>', help: 'run folder', otherwise: 'runs/ and the time', resume: 'free' }),
  /** A run folder to go on with; options that are not given are the ones it was started with. */
  resume: option(path, { value: '<folder>', help: 'go on with a run, in mid-epoch too', resume: 'free' }),
  /** Removes a run that is in `out`; false by default. */
  overwrite: option(onOff, { default: false, help: 'replace the run that is in --out', resume: 'free' }),
  /** Draws the weights, the order, the captions and the augmentation; 0 by default. */
  seed: option(wholeNumber(0), {
    default: 0,
    help: 'of weights, order, captions and augmentation',
    resume: 'fixed',
  }),
  /** Finishes the step and saves, then rejects with `signal.reason`. */
  signal: option(abortSignal, { help: 'ends the run as stop() does', resume: 'free' }),
}
