/** What becomes of pictures before the model sees them. */
import { memorySize } from '../../../base/bytes.js'
import { type CheckedKind, choice, path } from '../../../base/kinds.js'
import { FITTING_OPTIONS } from '../../../clip/run-options.js'
import { AUGMENT_POLICIES, type Augment } from '../../../image/augment-options.js'
import { augmentSchema } from '../../../image/augment-schema.js'
import { DECODES } from '../../../image/resizes.js'
import { option } from '../declare.js'

const augment: CheckedKind<Augment> = {
  flag: {
    value: '[policy]',
    choices: AUGMENT_POLICIES,
    read: (text) => AUGMENT_POLICIES.find((policy) => policy === text),
  },
  schema: augmentSchema,
}

export const PICTURES = {
  /** What is drawn for training pictures; true, which means the policy 'crop', by default. An object changes parts of it. */
  augment: option(augment, {
    default: true,
    otherwise: 'crop',
    help: 'what is drawn for training pictures',
    off: 'training pictures as in evaluation',
    resume: 'fixed',
  }),
  /**
   * How training pictures are decoded: 'exact', the default, as Pillow does it and evaluations always do, or 'fast': JPEG files at a
   * half, a quarter or an eighth of their size where that is enough for what they are resized to.
   */
  decode: option(choice(DECODES), {
    default: 'exact',
    value: '<way>',
    help: 'of JPEG files in training: as Pillow does it, or shrunk while they are decoded',
    resume: 'fixed',
  }),
  /**
   * A folder that keeps pictures decoded, for later epochs and other runs, several at once: whole ones, or those of the model's size
   * with `augment: false` and where the run measures. They are the same bits as without it; what is damaged or from another version is made anew.
   */
  decodedCache: option(path, {
    value: '<folder>',
    help: 'keeps pictures decoded, for later epochs and other runs',
    otherwise: 'none',
    resume: 'free',
  }),
  /** What that folder may take, '50G' by default; what is beyond it is decoded each time. */
  decodedCacheSize: option(memorySize, {
    default: '50G',
    help: 'what it may take on the disk',
    resume: 'free',
  }),
  /**
   * How pictures are fitted to the model's square where they are not augmented: in evaluation, and by whoever loads the
   * checkpoints. By default as the model has it: Chinese-CLIP's 'squash', all other built-in ones 'crop'.
   */
  resize: { ...FITTING_OPTIONS.resize, resume: 'fixed' as const },
  /** How pixels in between are made, in crops of training, too; as the model has it by default: 'bicubic', the reference's 'bilinear'. */
  interpolation: { ...FITTING_OPTIONS.interpolation, resume: 'fixed' as const },
  /** Whether pictures become RGB 'before' or 'after' they are resized; as the model has it by default. */
  convert: { ...FITTING_OPTIONS.convert, resume: 'fixed' as const },
  /** What is seen through transparent pixels, as '#fff'; the colour that lies below them by default. */
  background: { ...FITTING_OPTIONS.background, resume: 'fixed' as const },
}
