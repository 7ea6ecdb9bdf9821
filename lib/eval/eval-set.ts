/** What retrieval is measured on: every picture once, with all of its captions. */
import type { DataSource } from '../data/source.js'
import type { ImageAddress } from '../image/source.js'
import type { ImageOfCaption } from './relevance.js'

export type EvalSet = {
  images: readonly ImageAddress[]
  captions: readonly string[]
  /** For each caption, which of `images` it belongs to: one, or a list where the data's captions may have several. */
  imageOfCaption: ImageOfCaption
}

/** @throws ClipwrightError what the source's data can be wrong with */
export async function evalSet(source: DataSource): Promise<EvalSet> {
  const { pictures, captions, imageOfCaption } = await source.retrieval()
  return { images: pictures, captions, imageOfCaption }
}

/** How many captions each picture has, of those that have any. */
export function captionCounts({ images, imageOfCaption }: EvalSet): number[] {
  const counts = images.map(() => 0)
  for (const own of imageOfCaption) for (const image of [own].flat()) counts[image]!++
  return counts.filter((count) => count > 0)
}
