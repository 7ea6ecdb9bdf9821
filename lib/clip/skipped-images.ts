/** Pictures that are left out of a result because they cannot be read. */
import { ClipwrightError } from '../base/errors.js'
import { optionName } from '../base/option-names.js'
import { isPictureFault } from '../image/fault.js'
import type { BadImage } from '../image/preprocess.js'

/** A picture that was left out, and why. */
export type SkippedImage = { image: string; error: string }

export function skippedImages(bad: readonly BadImage[]): SkippedImage[] {
  return bad.map(({ image, error }) => ({ image, error: error.message }))
}

/**
 * Encodes pictures, leaving out those that cannot be read where that is asked for.
 * @param skipBad undefined where nobody can ask for it
 * @param encode one of so many pictures as `encodeImages` takes `onBadImage`
 * @returns what it gives, what was left out, and by a picture's index whether it is there: what `filter` takes
 * @throws what it throws, which says how to leave pictures out where others would be left; ERR_IMAGE when nothing is left
 */
export async function leavingOut<T>(
  skipBad: boolean | undefined,
  total: number,
  encode: (onBadImage: ((one: BadImage) => void) | undefined) => Promise<T>,
): Promise<{ result: T; bad: BadImage[]; isThere: (_: unknown, index: number) => boolean }> {
  const bad: BadImage[] = []
  try {
    const result = await encode(skipBad ? (one) => void bad.push(one) : undefined)
    requireSomeLeft(bad, total)
    const out = new Set(bad.map(({ index }) => index))
    return { result, bad, isThere: (_, index) => !out.has(index) }
  } catch (error) {
    // ERR_FORMAT: of a model, too, whose features are no numbers.
    if (skipBad !== false || total < 2 || !isPictureFault(error) || error.code === 'ERR_FORMAT') throw error
    const remedy = `${optionName('skipBad', 'skipBad')} leaves out what cannot be read.`
    throw new ClipwrightError(error.code, `${error.message.replace(/\.$/, '')}; ${remedy}`, { cause: error })
  }
}

/** @throws ClipwrightError ERR_IMAGE when nothing is left */
function requireSomeLeft(bad: readonly BadImage[], total: number): void {
  const [first] = bad
  if (!first || bad.length < total) return
  throw new ClipwrightError(
    'ERR_IMAGE',
    `None of the ${total} pictures can be read, beginning with ${first.image}: ${first.error.message}`,
    { cause: first.error },
  )
}
