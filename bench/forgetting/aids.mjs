// What is tried: how the second half is learnt by a model that knows the first.

/** Smaller than the quickstart's: a dozen runs must not take long. */
export const MODEL = {
  embed_dim: 128,
  vision_cfg: { image_size: 64, layers: 4, width: 128, patch_size: 16, head_width: 32 },
  text_cfg: { context_length: 32, vocab_size: 49408, width: 128, heads: 4, layers: 2 },
}

/** Passes over a half; the first is learnt from nothing, in more of them. And over both, which are twice as many pairs. */
export const EPOCHS = { first: 16, second: 5, both: 2 }
/** As from nothing, so that there is something to hold. */
const RATE = 5e-4

/**
 * @typedef {object} Aid
 * @property {string} name of its row
 * @property {string} flags besides --load and --data: what `options` are on the command line
 * @property {object} options of `train`
 * @property {'checkpoints' | 'averages'} [from] which weights of the run are measured
 * @property {boolean} [both] trains on both halves
 * @property {boolean} [teacher] learns from the first model, too
 */

/** @type {Aid[]} */
export const AIDS = [
  { name: 'nothing', flags: '--lr 5e-4', options: { lr: RATE } },
  { name: 'a tenth of the rate', flags: '--lr 5e-5', options: { lr: RATE / 10 } },
  { name: 'rates by layer', flags: '--lr 5e-4 --layer-decay 0.65', options: { lr: RATE, layerDecay: 0.65 } },
  {
    name: 'locked image tower',
    flags: '--lr 5e-4 --lock-image --lock-image-unlocked-groups 2',
    options: { lr: RATE, lockImage: true, lockImageUnlockedGroups: 2 },
  },
  { name: 'adapters', flags: '--lr 5e-4 --lora-rank 8', options: { lr: RATE, loraRank: 8 } },
  { name: 'averages', flags: '--lr 5e-4 --ema 0.96', options: { lr: RATE, ema: 0.96 }, from: 'averages' },
  { name: 'a teacher of logits', flags: '--lr 5e-4 --distill A', options: { lr: RATE }, teacher: true },
  {
    name: 'a teacher of features',
    flags: '--lr 5e-4 --distill A --distill-kind features --distill-weight 10',
    options: { lr: RATE, distillKind: 'features', distillWeight: 10 },
    teacher: true,
  },
  { name: "both halves' pairs", flags: '--lr 5e-4 --data A --data B', options: { lr: RATE }, both: true },
]

/** Of the weights before and those of "nothing": alpha 0 is the first. */
export const ALPHAS = [0.25, 0.5, 0.75]

/** @type {Aid[]} As they come, with their own batches and passes. */
export const PRESETS = ['hundreds', 'thousands', '100k'].map((preset) => ({
  name: `the preset "${preset}"`,
  flags: `--preset ${preset}`,
  options: { preset },
  from: preset === '100k' ? 'averages' : 'checkpoints',
}))
