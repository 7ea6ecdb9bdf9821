/** Which model is trained, and from which weights. */
import { type CheckedKind, onOff, path, text, texts, wholeNumber } from '../../../base/kinds.js'
import type { ModelConfig } from '../../../models/config.js'
import { option } from '../declare.js'

const model: CheckedKind<string | ModelConfig> = {
  flag: { value: '<name>', read: (text) => text },
  // What a configuration may hold is checked by who builds the model.
  schema: (z) =>
    z.union([path.schema(z), z.record(z.string(), z.unknown()) as never], {
      error: 'expected a name or a configuration',
    }),
}

export const MODEL = {
  /** A name that `listModels` knows or a configuration; not needed with `load`. */
  model: option(model, { help: 'a built-in model, trained from scratch without --pretrained', resume: 'fixed' }),
  /** With the name of a built-in `model`: which of open_clip's weights to start from; `listPretrained` knows them. */
  pretrained: option(text, {
    value: '<tag>',
    help: "which of open_clip's weights of --model to start from; clipwright models lists them",
    resume: 'fixed',
  }),
  /** A checkpoint to start from instead of random weights; also `hf-hub:owner/name[@revision]`. */
  load: option(path, { help: 'a checkpoint to start from; also hf-hub:owner/name', resume: 'fixed' }),
  /**
   * Whether `load` must hold every weight of the model and nothing else; true by default. False takes what fits by name
   * and shape, and a warning (`partial_weights`) says how many and which were loaded and which were not.
   */
  strict: option(onOff, {
    default: true,
    help: 'its weights must be those of the model',
    off: 'load the weights that fit, and say which did',
    resume: 'fixed',
  }),
  /** Which entry of a nested file holds the weights of `load`, where there are several: 'teacher', 'model.state_dict'. */
  key: option(text, {
    value: '<name>',
    help: 'which entry of a file of several models holds its weights',
    resume: 'fixed',
  }),
  /** With `strict: false`: whether a tower may be left almost random; false by default. */
  allowPartial: option(onOff, {
    default: false,
    help: 'with --no-strict: a tower may stay almost random',
    resume: 'fixed',
  }),
  /**
   * Names of parameters that stay as they are: `*` stands for any characters, `?` for one, as in `visual.*`. Names are
   * open_clip's.
   */
  freeze: option(texts, {
    value: '<names>',
    help: 'leave these parameters as they are, as in "visual.*"; may be repeated',
    resume: 'inexact',
  }),
  /**
   * With `load` or `pretrained`: the epoch to begin with, counted from 0, which is the default. Schedule, order of the samples and
   * numbers of steps and epochs go on as if the earlier ones had been run; the optimizer begins anew.
   */
  startEpoch: option(wholeNumber(0), {
    default: 0,
    help: 'with --load or --pretrained: go on with this epoch, counted from 0',
    resume: 'fixed',
  }),
}
