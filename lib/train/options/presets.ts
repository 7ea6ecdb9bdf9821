/** Settings that belong together: `preset` takes them in place of the defaults. An option that is given wins over them. */

/** `reference`: the PyTorch system that this product started from. The others: how many pairs a model is fine-tuned on. */
export type PresetName = 'reference' | 'hundreds' | 'thousands' | '100k' | 'millions'

export const PRESETS = {
  /**
   * How the reference system trains, value for value (docs/reference.md has the table). Where torch does what nobody
   * said, that is here, too: AdamW's eps, and weight decay on all parameters.
   */
  reference: {
    epochs: 100,
    batchSize: 128,
    lr: 1e-4,
    fitLr: true,
    optimizer: 'adamw',
    betas: [0.9, 0.999],
    eps: 1e-8,
    weightDecay: 1e-2,
    decayAll: true,
    schedule: 'epoch-cosine',
    reduction: 'sum',
    preCaption: true,
    augment: 'imagenet',
    interpolation: 'bilinear',
    convert: 'before',
    evalEvery: 1,
    validateEvery: 1,
    weightsEvery: 1,
    weightsDtype: 'fp16',
  },
  // Why these: docs/guides/fine-tuning.md, with sources.
  hundreds: { epochs: 20, batchSize: 32, lr: 2e-4, betas: [0.9, 0.999], weightDecay: 1e-2, loraRank: 2 },
  thousands: { epochs: 10, batchSize: 64, lr: 2e-4, betas: [0.9, 0.999], weightDecay: 1e-2, loraRank: 8 },
  '100k': { epochs: 10, batchSize: 256, lr: 1e-5, weightDecay: 0.1, layerDecay: 0.75, ema: 0.999 },
  millions: { epochs: 3, batchSize: 1024, lr: 5e-5, weightDecay: 1e-3, warmup: 100, ema: 0.9998 },
} as const satisfies Record<PresetName, object>

export const PRESET_NAMES = Object.keys(PRESETS) as PresetName[]

/** Those that begin with weights which others trained. */
export const isFineTuning = (name: PresetName | undefined): boolean => name !== undefined && name !== 'reference'
