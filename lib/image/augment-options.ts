/** How training pictures may be changed, and what is done unless something is said. */

/**
 * What is drawn for each training picture in each epoch.
 *
 * - `crop`: a random resized crop, then left and right exchanged at random (torchvision's RandomResizedCrop).
 * - `imagenet`: the same, then one of the 25 pairs of changes that AutoAugment found for ImageNet.
 * - `jitter-paste`: the whole picture, its ratio jittered, between 0.75 and 1.5 times the model's size, somewhere on grey;
 *   mirrored, turned by up to 15° and changed in hue, saturation and value at random.
 */
export type AugmentPolicy = 'crop' | 'imagenet' | 'jitter-paste'

export const AUGMENT_POLICIES = ['crop', 'imagenet', 'jitter-paste'] as const satisfies AugmentPolicy[]

/** Changes of training pictures. */
export type AugmentOptions = {
  policy: AugmentPolicy
  /**
   * Share of the picture's area that a crop may have: [smallest, largest]. By default [0.9, 1] as open_clip trains, and
   * [0.08, 1] with `imagenet`, torchvision's default. Not for `jitter-paste`.
   */
  scale: [number, number]
  /** Width over height of a crop: [smallest, largest]; [3/4, 4/3] by default. Not for `jitter-paste`. */
  ratio: [number, number]
  /** Probability of exchanging left and right; 0.5 by default. */
  flip: number
}

/** true: the default policy; a name: that policy; an object: parts of it changed; false: no augmentation. */
export type Augment = boolean | AugmentPolicy | Partial<AugmentOptions>

/** The whole of what `augmentSchema` lets pass; undefined for no augmentation. */
export function augmentOptions(given: Augment): AugmentOptions | undefined {
  if (given === false) return undefined
  const own = typeof given === 'string' ? { policy: given } : given === true ? {} : given
  const policy = own.policy ?? 'crop'
  return {
    policy,
    scale: own.scale ?? (policy === 'imagenet' ? [0.08, 1] : [0.9, 1]),
    ratio: own.ratio ?? [3 / 4, 4 / 3],
    flip: own.flip ?? 0.5,
  }
}

/** In a few words: the policy with its crops' share of the area, and what else is not as it always is. */
export function describeAugment(given: Augment): string {
  const own = augmentOptions(given)
  if (own === undefined) return 'off'
  const usual = augmentOptions(own.policy) as AugmentOptions
  const range = ([low, high]: [number, number]) => `${low}-${high}`
  const crop = own.policy === 'jitter-paste' ? own.policy : `${own.policy} ${range(own.scale)}`
  const ratio = range(own.ratio) === range(usual.ratio) ? [] : [`ratio ${range(own.ratio)}`]
  const flip = own.flip === usual.flip ? [] : [`flip ${own.flip}`]
  return [crop, ...ratio, ...flip].join(', ')
}
