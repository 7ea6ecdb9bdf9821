/** Which errors are a picture's own. */
import { ClipwrightError } from '../base/errors.js'
import { shortageOf } from '../files/shortage.js'

const OWN: readonly string[] = ['ERR_IMAGE', 'ERR_NOT_FOUND', 'ERR_IO']

/** Whether another picture may well be read where this one failed: what is wrong with the machine or the caller is not its fault. */
export function isPictureFault(error: unknown): error is ClipwrightError {
  return error instanceof ClipwrightError && OWN.includes(error.code) && !shortageOf(error)
}
