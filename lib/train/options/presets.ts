/** Settings that belong together: `preset` takes them in place of the defaults. An option that is given wins over them. */

/** `reference`: the PyTorch system that this product started from. */
export type PresetName = 'reference'

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
} as const satisfies Record<PresetName, object>

export const PRESET_NAMES = Object.keys(PRESETS) as PresetName[]
