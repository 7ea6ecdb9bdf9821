/** What retrieval is measured on: every picture once, with all of its captions. */

import { resolve } from 'node:path'
import { isArray } from '../base/brands.js'
import type { DataSource, RetrievalView } from '../data/source.js'
import type { ImageAddress } from '../image/source.js'
import type { ImageOfCaption } from './relevance.js'

export type EvalSet = {
  images: readonly ImageAddress[]
  captions: readonly string[]
  /** For each caption, which of `images` it belongs to: one, or a list where the data's captions may have several. */
  imageOfCaption: ImageOfCaption
  /** How many further entries of the data named a picture that was there already, and were joined with it. */
  joined: number
}

/**
 * A picture that several entries name, by the same path or the same id, is one picture with the captions of all: else a
 * search that finds one of its copies would count as a miss for the others.
 * @throws ClipwrightError what the source's data can be wrong with
 */
export async function evalSet(source: DataSource): Promise<EvalSet> {
  const view = await source.retrieval()
  const { captions, imageOfCaption } = view
  const { images, placeOf } = join(view)
  const joined = view.pictures.length - images.length
  if (joined === 0) return { images, captions, imageOfCaption, joined }
  const moved = isArray(imageOfCaption, 'Int32Array')
    ? imageOfCaption.map((picture) => placeOf[picture]!)
    : imageOfCaption.map((own) => [...new Set(own.map((picture) => placeOf[picture]!))])
  return { images, captions, imageOfCaption: moved, joined }
}

/** Each picture's place among those that are left, which stand in the order in which they first came. */
function join({ pictures, ids }: RetrievalView): { images: ImageAddress[]; placeOf: Int32Array } {
  const first = new Int32Array(pictures.length).map((_, i) => i)
  const rootOf = (i: number): number => {
    let root = i
    while (first[root] !== root) root = first[root]!
    first[i] = root
    return root
  }
  const seen = new Map<string, number>()
  for (const [i, picture] of pictures.entries()) {
    for (const key of [placeKey(picture), ids[i] === undefined ? undefined : `id ${ids[i]}`]) {
      if (key === undefined) continue
      const earlier = seen.get(key)
      if (earlier === undefined) seen.set(key, i)
      else {
        // A path may join what two ids keep apart: the earlier of both stands for all.
        const [a, b] = [rootOf(earlier), rootOf(i)]
        first[Math.max(a, b)] = Math.min(a, b)
      }
    }
  }
  const images: ImageAddress[] = []
  const placeOf = new Int32Array(pictures.length)
  for (const [i, picture] of pictures.entries()) {
    const root = rootOf(i)
    placeOf[i] = root === i ? images.push(picture) - 1 : placeOf[root]!
  }
  return { images, placeOf }
}

function placeKey(picture: ImageAddress): string | undefined {
  if (typeof picture === 'string') return `path ${resolve(picture)}`
  if ('read' in picture) return `stored ${picture.id} ${picture.path}`
  return 'path' in picture ? `entry ${picture.offset} ${resolve(picture.path)}` : undefined
}

/** A sentence where entries were joined. */
export function joinedNote({ joined, images }: EvalSet, where: string): string | undefined {
  if (joined === 0) return undefined
  const entries = joined === 1 ? '1 entry' : `${joined} entries`
  return `${entries} of ${where} named a picture again and were joined with it: ${images.length} pictures are left, each with all of its captions.`
}

/** How many captions each picture has, of those that have any. */
export function captionCounts({ images, imageOfCaption }: EvalSet): number[] {
  const counts = images.map(() => 0)
  for (const own of imageOfCaption) for (const image of [own].flat()) counts[image]!++
  return counts.filter((count) => count > 0)
}
