/** Pictures that could not be read. */
import type { CaptionList } from '../data/caption-list.js'
import { decodeImage } from '../image/decode.js'
import { limited } from './batches.js'

/** Looks again at those of a run that goes on: data may have been repaired meanwhile. @returns which still are bad */
export async function stillBad(list: CaptionList, indices: readonly number[], workers: number): Promise<number[]> {
  const isBad = limited(workers, async (index: number) => {
    const item = list.items[index]
    if (!item) return false
    return decodeImage(item.image).then(
      () => false,
      () => true,
    )
  })
  const bad = await Promise.all(indices.map((index) => isBad(index)))
  return indices.filter((_, i) => bad[i])
}
