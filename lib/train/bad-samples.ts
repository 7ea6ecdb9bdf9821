/** Pictures that could not be read. */
import type { DataSource } from '../data/source.js'
import { decodeImage } from '../image/decode.js'
import { isPictureFault } from '../image/fault.js'
import type { ImageAddress } from '../image/source.js'
import { limited } from './batches.js'

/**
 * Looks again at those of a run that goes on: data may have been repaired meanwhile.
 * @param indices the samples' own numbers
 * @returns which still are bad
 * @throws ClipwrightError ERR_IO, ERR_OUT_OF_MEMORY when the machine is short of what reading takes
 */
export async function stillBad(source: DataSource, indices: readonly number[], workers: number): Promise<number[]> {
  if (indices.length === 0) return []
  const wanted = new Set(indices)
  const images = new Map<number, ImageAddress>()
  for await (const { index, image } of source.samples({ seed: 0, epoch: 0, from: 0 })) {
    if (wanted.has(index)) images.set(index, image)
    if (images.size === wanted.size) break
  }
  const isBad = limited(workers, async (index: number) => {
    const image = images.get(index)
    if (image === undefined) return false
    return decodeImage(image).then(
      () => false,
      (error: unknown) => {
        if (isPictureFault(error)) return true
        throw error // a shortage says nothing about the picture
      },
    )
  })
  const bad = await Promise.all(indices.map((index) => isBad(index)))
  return indices.filter((_, i) => bad[i])
}
