import { ClipwrightError } from '../../base/errors.js'

/** What would be a wrong argument from a caller is a wrong file here. */
export function asFormatError<T>(read: () => T): T {
  try {
    return read()
  } catch (error) {
    if (!(error instanceof ClipwrightError) || error.code !== 'ERR_INVALID_ARGUMENT') throw error
    throw new ClipwrightError('ERR_FORMAT', error.message, { cause: error })
  }
}
