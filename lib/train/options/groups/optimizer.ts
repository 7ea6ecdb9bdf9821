/** How gradients become updates. `OPTIMIZER_DEFAULTS` has what each optimizer does when it is not told. */
import { choice, onOff, positive, rate, share, sharePair } from '../../../base/kinds.js'
import { OPTIMIZER_DEFAULTS, OPTIMIZERS } from '../../../optim/defaults.js'
import { option } from '../declare.js'

export const OPTIMIZER = {
  /** 'adamw' by default. */
  optimizer: option(choice(OPTIMIZERS), {
    default: 'adamw',
    help: 'how gradients become updates',
    resume: 'fixed',
  }),
  /** Of all but sgd; [0.9, 0.98] by default, lion [0.9, 0.99], lamb [0.9, 0.999]. */
  betas: option(sharePair, {
    value: '<b1,b2>',
    help: 'of all but sgd',
    otherwise: ownDefault('betas'),
    resume: 'inexact',
  }),
  /** Of adamw, adam and lamb; 1e-6 by default. */
  eps: option(positive, { help: 'of adamw, adam, lamb', otherwise: ownDefault('eps'), resume: 'inexact' }),
  /** Of sgd; 0 by default. */
  momentum: option(share, { help: 'of sgd', otherwise: ownDefault('momentum'), resume: 'inexact' }),
  /** On parameters with at least two dimensions; by default 0.2 with adamw, 0.01 with lamb, else 0. */
  weightDecay: option(rate, { help: 'on matrices', otherwise: ownDefault('weightDecay'), resume: 'inexact' }),
  /** Weight decay on biases, norms and scales, too, as torch.optim has it; false by default. */
  decayAll: option(onOff, {
    default: false,
    help: 'weight decay on biases, norms and scales, too',
    resume: 'inexact',
  }),
  /**
   * Rates fall by this factor from layer to layer, counted from the top of each tower, as in BEiT and EVA; 1, the same for
   * all, by default.
   */
  layerDecay: option(positive, {
    default: 1,
    help: 'rates fall by this factor from layer to layer, down',
    resume: 'inexact',
  }),
  /**
   * Decay of moving averages of the weights, which are measured and saved in `averages/`; none by default. They stand for
   * some 1 / (1 - ema) steps.
   */
  ema: option(share, {
    help: 'measure and save moving averages of the weights, as 0.9999',
    otherwise: 'none',
    resume: 'fixed',
  }),
  /** Scales gradients down to this norm; never by default. */
  maxGradNorm: option(positive, { help: 'clip gradients to this norm', otherwise: 'never', resume: 'inexact' }),
}

/** The commonest, then those of optimizers that differ: `0.9,0.98; lion 0.9,0.99`. */
function ownDefault(name: string): string {
  const defaults = OPTIMIZERS.flatMap((optimizer) => {
    const own: Record<string, unknown> = OPTIMIZER_DEFAULTS[optimizer]
    return own[name] === undefined ? [] : [{ optimizer, value: short(own[name]) }]
  })
  const times = (value: string) => defaults.filter((other) => other.value === value).length
  const [first] = defaults.toSorted((a, b) => times(b.value) - times(a.value))
  const others = defaults.filter(({ value }) => value !== first?.value)
  return [first?.value, ...others.map(({ optimizer, value }) => `${optimizer} ${value}`)].join('; ')
}

function short(value: unknown): string {
  return typeof value === 'number' && value !== 0 && value < 1e-3 ? value.toExponential() : String(value)
}
