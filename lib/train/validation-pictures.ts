/** Whether the pictures of a validation list are there: known at the start, not hours later at the first evaluation. */
import { limited } from '../base/limited.js'
import { some } from '../base/shorten.js'
import { examinePicture } from '../image/decode.js'
import { isPictureFault } from '../image/fault.js'
import { type ImageAddress, nameOf } from '../image/source.js'
import type { Note } from './events.js'

/** What an evaluation would stumble over, as far as files and the beginnings of pictures tell. */
export async function badValidation(images: readonly ImageAddress[], workers: number): Promise<Note[]> {
  const examine = limited(workers, async (image: ImageAddress) => {
    try {
      await examinePicture(image)
      return []
    } catch (error) {
      if (!isPictureFault(error)) throw error
      return [nameOf(image)]
    }
  })
  const bad = (await Promise.all(images.map(examine))).flat()
  if (bad.length === 0) return []
  const many = bad.length === 1 ? '1 picture' : `${bad.length} pictures`
  const message = `${many} of the validation list cannot be read, which will end the run at its first evaluation: ${some(bad, 5)}; repair or remove them.`
  return [{ code: 'bad_validation', message }]
}
