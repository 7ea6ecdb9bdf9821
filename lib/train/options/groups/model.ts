/** Which model is trained, and from which weights. */
import { type CheckedKind, count, onOff, path, positive, text, texts, wholeNumber } from '../../../base/kinds.js'
import { CHANGE_OPTIONS, OFFLINE } from '../../../clip/run-options.js'
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
  /** Whether models of a hub are taken from the cache and nobody is asked, a teacher (`distill`) too; as HF_HUB_OFFLINE says by default. */
  offline: { ...OFFLINE, resume: 'free' as const },
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
   * Rate of dropout (https://jmlr.org/papers/v15/srivastava14a.html) in every step, in place of both rates of a BERT-like text
   * tower (`hidden_dropout_prob` and `attention_probs_dropout_prob`, 0.1 in BERT); other towers have none. A locked tower has
   * it too, as in open_clip. Evaluation leaves out nothing.
   */
  dropout: { ...CHANGE_OPTIONS.dropout, resume: 'fixed' as const },
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
   * Whether the image tower stays as it is (https://arxiv.org/abs/2111.07991); false by default. What is locked takes no
   * gradients, no moments, and below what learns no activations and no backward pass.
   */
  lockImage: option(onOff, { default: false, help: 'leave the image tower as it is', resume: 'inexact' }),
  /** With `lockImage`: the last groups that learn, as open_clip counts them: the projection, the last block and its norm, each block before; 0 by default. */
  lockImageUnlockedGroups: option(wholeNumber(0), {
    default: 0,
    help: 'with --lock-image: its last groups that learn (1: the projection, 2: the last block too)',
    resume: 'inexact',
  }),
  /** Whether the text tower stays as it is; false by default. */
  lockText: option(onOff, { default: false, help: 'leave the text tower as it is', resume: 'inexact' }),
  /** With `lockText`: the last groups that learn, counted likewise; 0 by default. */
  lockTextUnlockedLayers: option(wholeNumber(0), {
    default: 0,
    help: 'with --lock-text: its last groups that learn',
    resume: 'inexact',
  }),
  /**
   * With `load`: low-rank adapters of this rank learn in place of the weights (https://arxiv.org/abs/2106.09685); none by
   * default. Checkpoints have them merged, `adapters/` has them alone.
   */
  loraRank: option(count, {
    help: 'with --load: adapters of this rank learn, and nothing else',
    otherwise: 'none',
    resume: 'fixed',
  }),
  /** With `loraRank`: adapters count alpha / rank; `loraRank` by default. */
  loraAlpha: option(positive, {
    help: 'with --lora-rank: adapters count alpha / rank',
    otherwise: 'the rank',
    resume: 'fixed',
  }),
  /**
   * With `load` or `pretrained`: how many epochs count as run before; 0 by default. Schedule, order of the samples and
   * numbers of steps and epochs go on as if they had been; the optimizer begins anew.
   */
  startEpoch: option(wholeNumber(0), {
    default: 0,
    help: 'with --load or --pretrained: how many epochs count as run before',
    resume: 'fixed',
  }),
}
