/** What retrieval is measured on: every picture once, with all of its captions. */

import type { CaptionList } from '../data/caption-list.js'
import type { ImageOfCaption } from './relevance.js'

export type EvalSet = {
  images: string[]
  captions: string[]
  /** For each caption, which of `images` it belongs to: one, or a list where the data's captions may have several. */
  imageOfCaption: ImageOfCaption
}

export function evalSet({ items, shared, distractors = [] }: CaptionList): EvalSet {
  const images = [...items.map((item) => item.image), ...distractors]
  if (shared !== undefined) {
    return { images, captions: shared.map((s) => s.caption), imageOfCaption: shared.map((s) => s.items) }
  }
  const captions = items.flatMap((item) => item.captions)
  const owners = items.flatMap((item, i) => item.captions.map(() => i))
  return { images, captions, imageOfCaption: Int32Array.from(owners) }
}
