/** What retrieval is measured on: every picture once, with all of its captions. */
import type { CaptionList } from './caption-list.js'

export type EvalSet = {
  images: string[]
  captions: string[]
  /** For each caption, which of `images` it belongs to. */
  imageOfCaption: Int32Array
}

export function evalSet(list: CaptionList): EvalSet {
  const captions = list.items.flatMap((item) => item.captions)
  const owners = list.items.flatMap((item, i) => item.captions.map(() => i))
  return { images: list.items.map((item) => item.image), captions, imageOfCaption: Int32Array.from(owners) }
}
