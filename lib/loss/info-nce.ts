/** What training lowers. */
import { z } from 'zod'
import { parseOptions } from '../base/options.js'
import type { NativeLoss } from '../native/batch.js'
import { REDUCTIONS } from '../native/names.js'

/** A loss over a batch of matching pairs. */
export interface Loss {
  /** @internal As the core takes it. */
  toNative(): NativeLoss
}

const schema = z.strictObject({ reduction: z.enum(REDUCTIONS).default('mean') })

/**
 * CLIP's contrastive loss over n pairs: with logits[i, j] = exp(logit_scale) · imageᵢ · textⱼ (features of length 1)
 * and the diagonal as labels, the cross-entropy over rows and the one over columns, each a mean over its n rows.
 *
 * `mean` of the two is open_clip's `ClipLoss` (`src/open_clip/loss.py`) and the paper's figure 3
 * (https://arxiv.org/abs/2103.00020); `sum` doubles it.
 */
export class InfoNCE implements Loss {
  readonly reduction: 'mean' | 'sum'

  /** @throws ClipwrightError ERR_INVALID_ARGUMENT */
  constructor(options: { reduction?: 'mean' | 'sum' } = {}) {
    this.reduction = parseOptions(schema, options, 'InfoNCE').reduction
  }

  /** @internal */
  toNative(): NativeLoss {
    return { kind: 'infonce', reduction: this.reduction }
  }
}
