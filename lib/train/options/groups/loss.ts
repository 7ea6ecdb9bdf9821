/** What is lowered. */
import { choice, path, positive, text } from '../../../base/kinds.js'
import { POSITIVES } from '../../../data/positives.js'
import { LOSSES } from '../../../loss/names.js'
import { DISTILLATIONS, REDUCTIONS } from '../../../native/names.js'
import { option } from '../declare.js'

export const LOSS = {
  /** 'infonce' by default. 'siglip' gives new models a bias of -10 and a scale of 10, where their configuration has none. */
  loss: option(choice(LOSSES), { default: 'infonce', help: 'what is lowered', resume: 'fixed' }),
  /** Of infonce's two cross-entropies: their 'mean' by default, as open_clip, or the 'sum', as the reference. */
  reduction: option(choice(REDUCTIONS), {
    default: 'mean',
    value: '<kind>',
    help: 'of the two cross-entropies of infonce',
    resume: 'fixed',
  }),
  /**
   * Samples that are no wrong pairs of each other: those with one picture by 'id' or path, with one 'caption', or with one
   * 'picture' by its bytes. They come in different batches where they can, and where they cannot, losses leave them out.
   */
  positives: option(choice(POSITIVES), {
    value: '<kind>',
    help: 'samples that are no wrong pairs of each other: of one id, one caption, or one picture',
    otherwise: 'none',
    resume: 'fixed',
  }),
  /**
   * A model to learn from beside the pairs: a checkpoint, `hf-hub:owner/name[@revision]`, or a built-in model's name with
   * `distillPretrained`; none by default. It has the same tokenizer, and sees the same pictures at its own size.
   */
  distill: option(path, {
    value: '<model>',
    help: 'a model to learn from: a checkpoint, hf-hub:owner/name, or a name with --distill-pretrained',
    otherwise: 'none',
    resume: 'fixed',
  }),
  /** With the name of a built-in model in `distill`: which of open_clip's weights it has. */
  distillPretrained: option(text, {
    value: '<tag>',
    help: "with a built-in model's name in --distill: which of open_clip's weights it has",
    resume: 'fixed',
  }),
  /**
   * With `distill`: what is held against the teacher's, 'logits' by default: the similarities of all pairs, as open_clip's
   * `DistillClipLoss`. 'features': each feature's cosine, for which both models need one `embed_dim`.
   */
  distillKind: option(choice(DISTILLATIONS), {
    otherwise: 'logits',
    value: '<kind>',
    help: "with --distill: what is held against the teacher's",
    resume: 'fixed',
  }),
  /** With `distill`: what it counts beside the loss over pairs, which counts 1; 1 by default. */
  distillWeight: option(positive, {
    otherwise: '1',
    help: 'with --distill: what it counts beside the loss over pairs',
    resume: 'fixed',
  }),
}
