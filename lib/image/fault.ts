/** Which errors are a picture's own. */
import { ClipwrightError } from '../base/errors.js'

/** What a machine is short of; another try may read the same picture. */
const SHORTAGES = ['EMFILE', 'ENFILE', 'ENOMEM', 'EAGAIN']

/** Whether another picture may well be read where this one failed: what is wrong with the machine or the caller is not its fault. */
export function isPictureFault(error: unknown): error is ClipwrightError {
  if (!(error instanceof ClipwrightError)) return false
  if (error.code === 'ERR_IO') return !SHORTAGES.includes(String((error.cause as { code?: string } | undefined)?.code))
  return error.code === 'ERR_IMAGE' || error.code === 'ERR_NOT_FOUND'
}
