/** What is lowered. */
import { choice } from '../../../base/kinds.js'
import { POSITIVES } from '../../../data/positives.js'
import { LOSSES } from '../../../loss/names.js'
import { REDUCTIONS } from '../../../native/names.js'
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
}
