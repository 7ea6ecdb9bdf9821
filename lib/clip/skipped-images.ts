/** Pictures that were left out of a result because they cannot be read. */
import { ClipwrightError } from '../base/errors.js'
import type { BadImage } from '../image/preprocess.js'

/** A picture that was left out, and why. */
export type SkippedImage = { image: string; error: string }

export function skippedImages(bad: readonly BadImage[]): SkippedImage[] {
  return bad.map(({ image, error }) => ({ image, error: error.message }))
}

/** @throws ClipwrightError ERR_IMAGE when nothing is left */
export function requireSomeLeft(bad: readonly BadImage[], total: number): void {
  const [first] = bad
  if (!first || bad.length < total) return
  throw new ClipwrightError(
    'ERR_IMAGE',
    `None of the ${total} pictures can be read, beginning with ${first.image}: ${first.error.message}`,
    { cause: first.error },
  )
}
