/** SigLIP's loss: every pair is a yes-or-no question. */
import type { NativeLoss } from '../native/batch.js'
import type { Guessing, TrainableLoss } from './loss.js'

/**
 * The sigmoid loss over n pairs: with logits[i, j] = exp(logit_scale) · imageᵢ · textⱼ + logit_bias (features of length 1)
 * and z = 1 for a picture's own text, -1 for all others: -Σ ln σ(z · logits) / n. No pair looks at another, so that it needs
 * no softmax over the batch.
 *
 * It is open_clip's `SigLipLoss` (`src/open_clip/loss.py`), from https://arxiv.org/abs/2303.15343. The parameter
 * `logit_bias` is there where a model's configuration has `init_logit_bias`; without it nothing is added to logits, as
 * in open_clip, and n² - n wrong pairs outweigh the right ones while training begins.
 */
export class SigLip implements TrainableLoss {
  /** @internal As open_clip's `--siglip` begins: nearly all pairs are wrong ones, and a bias of -10 knows that. */
  readonly newModels = { initLogitScale: Math.log(10), initLogitBias: -10 }

  /** @internal */
  toNative(): NativeLoss {
    return { kind: 'siglip' }
  }

  /** @internal A model that knows only that one of n pairs is right says 1/n of each. */
  guessing(pairs: number): Guessing {
    const wrong = pairs > 1 ? (pairs - 1) * Math.log(pairs / (pairs - 1)) : 0
    const formula = `ln ${pairs} + ${pairs - 1} ln(${pairs}/${Math.max(pairs - 1, 1)})`
    return { value: Math.log(pairs) + wrong, formula, margin: 0.05 }
  }
}
