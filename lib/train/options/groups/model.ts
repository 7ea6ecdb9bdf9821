/** Which model is trained, and from which weights. */
import { type CheckedKind, onOff, path, text, texts, wholeNumber } from '../../../base/kinds.js'
import { CHANGE_OPTIONS } from '../../../clip/run-options.js'
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
  model: option(model, { help: 'a built-in model, trained from scratch', resume: 'fixed' }),
  /** A checkpoint to start from instead of random weights. */
  load: option(path, { help: 'a checkpoint to start from', resume: 'fixed' }),
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
   * Side of the model's pictures in pixels, a multiple of the patches' side, instead of its own. Position embeddings of
   * `load` are interpolated, as open_clip does.
   */
  imageSize: { ...CHANGE_OPTIONS.imageSize, resume: 'fixed' as const },
  /** Tokens of a caption at most, start and end included, instead of the model's own; position embeddings likewise. */
  contextLength: { ...CHANGE_OPTIONS.contextLength, resume: 'fixed' as const },
  /**
   * Share of each picture's patches that every step leaves out, other ones each time (https://arxiv.org/abs/2212.00794),
   * instead of the model's own `patch_dropout`; 0.5 to 0.75 are its paper's. Evaluation sees all.
   */
  patchDropout: { ...CHANGE_OPTIONS.patchDropout, resume: 'fixed' as const },
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
   * With `load`: the epoch to begin with, counted from 0, which is the default. Schedule, order of the samples and
   * numbers of steps and epochs go on as if the earlier ones had been run; the optimizer begins anew.
   */
  startEpoch: option(wholeNumber(0), {
    default: 0,
    help: 'with --load: go on with this epoch, counted from 0',
    resume: 'fixed',
  }),
}
