/** Sets of which some pictures cannot be read. */
import { ClipwrightError } from '../base/errors.js'
import type { EvalSet } from './eval-set.js'

/**
 * The set without these pictures, and without the captions that belong to no other.
 * @throws ClipwrightError ERR_DATA when no caption is left
 */
export function withoutImages(set: EvalSet, left: ReadonlySet<number>): EvalSet {
  if (left.size === 0) return set
  const position = new Map<number, number>()
  const images = set.images.filter((_, i) => !left.has(i) && position.set(i, position.size))
  const captions: string[] = []
  const owners: number[][] = []
  for (const [i, caption] of set.captions.entries()) {
    const own = [set.imageOfCaption[i]!].flat().flatMap((image) => position.get(image) ?? [])
    if (own.length === 0) continue
    captions.push(caption)
    owners.push(own)
  }
  if (captions.length === 0)
    throw new ClipwrightError('ERR_DATA', 'No picture with a caption can be read, so there is nothing to measure.')
  const single = set.imageOfCaption instanceof Int32Array
  return { ...set, images, captions, imageOfCaption: single ? Int32Array.from(owners.flat()) : owners }
}
