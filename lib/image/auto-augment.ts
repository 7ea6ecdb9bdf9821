/**
 * AutoAugment's policy for ImageNet (https://arxiv.org/abs/1805.09501, table 9), as torchvision and the reference system
 * have it: one of 25 pairs of changes, each made with its probability.
 */

import type { Draws } from '../base/random.js'
import type { NativeAdjustment } from '../native/image.js'

type Change =
  | 'posterize'
  | 'solarize'
  | 'autocontrast'
  | 'equalize'
  | 'invert'
  | 'color'
  | 'contrast'
  | 'sharpness'
  | 'rotate'
  | 'shear_x'
type Step = readonly [change: Change, probability: number, magnitude: number]

/** Magnitudes count from 0 to 9; some changes have none and ignore it. */
// biome-ignore format: a table
export const IMAGENET_POLICY: readonly (readonly [Step, Step])[] = [
  [['posterize', 0.4, 8], ['rotate', 0.6, 9]],
  [['solarize', 0.6, 5], ['autocontrast', 0.6, 5]],
  [['equalize', 0.8, 8], ['equalize', 0.6, 3]],
  [['posterize', 0.6, 7], ['posterize', 0.6, 6]],
  [['equalize', 0.4, 7], ['solarize', 0.2, 4]],
  [['equalize', 0.4, 4], ['rotate', 0.8, 8]],
  [['solarize', 0.6, 3], ['equalize', 0.6, 7]],
  [['posterize', 0.8, 5], ['equalize', 1, 2]],
  [['rotate', 0.2, 3], ['solarize', 0.6, 8]],
  [['equalize', 0.6, 8], ['posterize', 0.4, 6]],
  [['rotate', 0.8, 8], ['color', 0.4, 0]],
  [['rotate', 0.4, 9], ['equalize', 0.6, 2]],
  [['equalize', 0, 7], ['equalize', 0.8, 8]],
  [['invert', 0.6, 4], ['equalize', 1, 8]],
  [['color', 0.6, 4], ['contrast', 1, 8]],
  [['rotate', 0.8, 8], ['color', 1, 2]],
  [['color', 0.8, 8], ['solarize', 0.8, 7]],
  [['sharpness', 0.4, 7], ['invert', 0.6, 8]],
  [['shear_x', 0.6, 5], ['equalize', 1, 9]],
  [['color', 0.4, 0], ['equalize', 0.6, 3]],
  [['equalize', 0.4, 7], ['solarize', 0.2, 4]],
  [['solarize', 0.6, 5], ['autocontrast', 0.6, 5]],
  [['invert', 0.6, 4], ['equalize', 1, 8]],
  [['color', 0.6, 4], ['contrast', 1, 8]],
  [['equalize', 0.8, 8], ['equalize', 0.6, 3]],
]

/** Magnitude as the change wants it; `sign` is 1 or -1 for those that go either way. */
function valuesOf(change: Change, magnitude: number, sign: number): number[] {
  const share = magnitude / 9
  switch (change) {
    case 'posterize':
      return [8 - Math.round(4 * share)]
    case 'solarize':
      return [256 * (1 - share)]
    case 'color':
    case 'contrast':
    case 'sharpness':
      return [1 + sign * 0.9 * share]
    case 'rotate':
      return [sign * 30 * share]
    case 'shear_x':
      return [sign * 0.3 * share]
    default:
      return []
  }
}

/** The changes drawn for one picture: none, one or two. */
export function drawImagenetChanges(draws: Draws): NativeAdjustment[] {
  const pair = IMAGENET_POLICY[draws.below(IMAGENET_POLICY.length)]!
  return pair.flatMap(([change, probability, magnitude]) => {
    // Both are drawn in any case, so that what comes later does not depend on them.
    const made = draws.next() < probability
    const sign = draws.next() < 0.5 ? 1 : -1
    return made ? [[change, ...valuesOf(change, magnitude, sign)] as NativeAdjustment] : []
  })
}
