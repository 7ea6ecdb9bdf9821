/** Which captions belong to which images. */

import { requireOwnMemory } from '../base/arrays.js'
import { isArray } from '../base/brands.js'
import { invalid } from '../base/errors.js'
import { show } from '../base/options.js'
import type { NativeRelevance } from '../native/ranks.js'

export type Relevance = NativeRelevance

/** One image for each caption, or a list of images where captions may have several. */
export type ImageOfCaption = Int32Array | readonly (readonly number[])[]

/**
 * Asserts that every caption belongs to an image, and every image has a caption unless captions have lists.
 * @returns a copy
 * @throws ClipwrightError ERR_INVALID_ARGUMENT
 */
export function checkRelevance(imageOfCaption: ImageOfCaption, images: number, captions: number): Relevance {
  const lists = listsOf(imageOfCaption)
  if (lists.length !== captions) {
    throw invalid(`imageOfCaption must name the image of each of the ${captions} captions, got ${lists.length}.`)
  }
  const relevance = { offsets: new Int32Array(captions + 1), images: new Int32Array(lists.total) }
  const hasCaption = new Uint8Array(images)
  let at = 0
  for (let caption = 0; caption < captions; caption++) {
    const own = lists.at(caption)
    if (!Array.isArray(own) || own.length === 0) {
      throw invalid(
        `imageOfCaption must be an Int32Array, or list at least one image for each caption; imageOfCaption[${caption}] is ${show(own)}.`,
      )
    }
    for (const image of own) {
      if (!Number.isInteger(image) || image < 0 || image >= images) {
        throw invalid(`imageOfCaption[${caption}] must be an image from 0 to ${images - 1}, got ${show(image)}.`)
      }
      hasCaption[image] = 1
      relevance.images[at++] = image
    }
    relevance.offsets[caption + 1] = at
  }
  const without = hasCaption.indexOf(0)
  if (without >= 0 && isArray(imageOfCaption, 'Int32Array')) {
    throw invalid(`Image ${without} has no caption in imageOfCaption; leave it out of the evaluation.`)
  }
  return relevance
}

/** How many captions each image has. */
export function captionCounts({ images }: Relevance, count: number): Int32Array {
  const counts = new Int32Array(count)
  for (const image of images) counts[image]!++
  return counts
}

function listsOf(given: ImageOfCaption) {
  if (isArray(given, 'Int32Array')) {
    requireOwnMemory(given, 'imageOfCaption')
    return { length: given.length, total: given.length, at: (i: number) => [given[i]!] }
  }
  if (!Array.isArray(given)) {
    throw invalid(`imageOfCaption must be an Int32Array of image indices or a list of lists, got ${show(given)}.`)
  }
  const total = given.reduce((sum, own) => sum + (Array.isArray(own) ? own.length : 0), 0)
  return { length: given.length, total, at: (i: number) => given[i] }
}
