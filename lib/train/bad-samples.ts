/** Pictures that could not be read. */
import { limited } from '../base/limited.js'
import type { DataSource } from '../data/source.js'
import { decodeImage } from '../image/decode.js'
import { isPictureFault } from '../image/fault.js'

/**
 * Looks again at those of a run that goes on: data may have been repaired meanwhile.
 * @param indices the samples' own numbers
 * @returns which still are bad
 * @throws ClipwrightError ERR_IO, ERR_OUT_OF_MEMORY when the machine is short of what reading takes
 */
export async function stillBad(source: DataSource, indices: readonly number[], workers: number): Promise<number[]> {
  const isBad = limited(workers, (index: number) =>
    source
      .sample(index)
      .then(({ image }) => decodeImage(image))
      .then(
        () => false,
        (error: unknown) => {
          if (isPictureFault(error)) return true
          throw error // a shortage says nothing about the picture
        },
      ),
  )
  const bad = await Promise.all(indices.map((index) => isBad(index)))
  return indices.filter((_, i) => bad[i])
}
