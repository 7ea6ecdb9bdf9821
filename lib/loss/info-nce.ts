/** CLIP's own loss. */
import { z } from 'zod'
import { parseOptions } from '../base/options.js'
import type { NativeLoss } from '../native/batch.js'
import { REDUCTIONS } from '../native/names.js'
import type { Guessing, TrainableLoss } from './loss.js'

const schema = z.strictObject({ reduction: z.enum(REDUCTIONS).default('mean') })

/**
 * CLIP's contrastive loss over n pairs: with logits[i, j] = exp(logit_scale) · imageᵢ · textⱼ (features of length 1)
 * and the diagonal as labels, the cross-entropy over rows and the one over columns, each a mean over its n rows.
 *
 * `mean` of the two is open_clip's `ClipLoss` (`src/open_clip/loss.py`) and the paper's figure 3
 * (https://arxiv.org/abs/2103.00020); `sum` doubles it.
 */
export class InfoNCE implements TrainableLoss {
  readonly reduction: 'mean' | 'sum'

  /** @throws ClipwrightError ERR_INVALID_ARGUMENT */
  constructor(options: { reduction?: 'mean' | 'sum' } = {}) {
    this.reduction = parseOptions(schema, options, 'InfoNCE').reduction
  }

  /** @internal */
  toNative(): NativeLoss {
    return { kind: 'infonce', reduction: this.reduction }
  }

  /** @internal Each cross-entropy among n is ln n then. */
  guessing(pairs: number): Guessing {
    const entropies = this.reduction === 'sum' ? 2 : 1
    const formula = `${entropies > 1 ? '2 ' : ''}ln ${pairs}`
    return { value: entropies * Math.log(pairs), formula, margin: 0.05 * entropies }
  }
}
