/** CLIP's loss with a teacher beside it. */
import { z } from 'zod'
import { parseOptions } from '../base/options.js'
import type { NativeLoss } from '../native/batch.js'
import { DISTILLATIONS, type NativeDistillation, REDUCTIONS } from '../native/names.js'
import { InfoNCE } from './info-nce.js'
import type { Guessing, TrainableLoss } from './loss.js'

const schema = z.strictObject({
  by: z.enum(DISTILLATIONS).default('logits'),
  weight: z.number().positive().default(1),
  reduction: z.enum(REDUCTIONS).default('mean'),
})

/**
 * InfoNCE, and `weight` times what the student lacks of a teacher over the same n pairs, whose features come with the batch
 * (`BatchOptions.teacher`).
 *
 * By `logits`: the cross-entropies of the student's softmaxes under the teacher's, of rows and of columns, their mean: open_clip's
 * `DistillClipLoss` (`src/open_clip/loss.py`). Teacher and student may have features of different sizes.
 *
 * By `features`: the mean of 1 - cos(student, teacher) over pairs and both towers, half the squared distance of unit
 * features. Chinese-CLIP has it of pictures (`cosineSimilarityLoss` in `cn_clip/training/train.py`, where the student's features
 * are detached, so that nothing learns from it); https://arxiv.org/abs/2307.12732 of both.
 */
export class Distillation implements TrainableLoss {
  readonly by: 'logits' | 'features'
  readonly weight: number
  readonly #pairs: InfoNCE

  /** @throws ClipwrightError ERR_INVALID_ARGUMENT */
  constructor(options: { by?: 'logits' | 'features'; weight?: number; reduction?: 'mean' | 'sum' } = {}) {
    const { by, weight, reduction } = parseOptions(schema, options, 'Distillation')
    this.by = by satisfies NativeDistillation
    this.weight = weight
    this.#pairs = new InfoNCE({ reduction })
  }

  /** Of InfoNCE's two cross-entropies. */
  get reduction(): 'mean' | 'sum' {
    return this.#pairs.reduction
  }

  /** @internal */
  toNative(): NativeLoss {
    return { kind: 'distill', by: this.by, weight: String(this.weight), reduction: this.reduction }
  }

  /** @internal Each cross-entropy among n is ln n then, and no feature is like the teacher's. */
  guessing(pairs: number): Guessing {
    const { value, formula, margin } = this.#pairs.guessing(pairs)
    const of = this.by === 'logits' ? Math.log(pairs) : 1
    const shown = this.by === 'logits' ? `${this.weight} ln ${pairs}` : String(this.weight)
    return { value: value + this.weight * of, formula: `${formula} + ${shown}`, margin }
  }
}
