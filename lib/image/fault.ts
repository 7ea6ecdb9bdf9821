/** Which errors are a picture's own. */
import { ClipwrightError } from '../base/errors.js'
import { shortageOf } from '../files/shortage.js'

/** ERR_FORMAT: what lies beside the picture, as its caption, is not what it should be. */
const OWN: readonly string[] = ['ERR_IMAGE', 'ERR_NOT_FOUND', 'ERR_IO', 'ERR_FORMAT']

/** As a cause: a store that does not answer is no fault of what lies there. Leaving it out would lose what is whole. */
export class StoreFailure extends Error {}

/** Whether another picture may well be read where this one failed: what is wrong with the machine or the caller is not its fault. */
export function isPictureFault(error: unknown): error is ClipwrightError {
  return (
    error instanceof ClipwrightError &&
    OWN.includes(error.code) &&
    !shortageOf(error) &&
    !(error.cause instanceof StoreFailure)
  )
}
