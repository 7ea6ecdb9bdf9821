/** JSON from files that somebody else may have written. */
import type { z } from 'zod'
import { ClipwrightError } from '../base/errors.js'

/**
 * The value of a JSON text; a byte order mark before it is skipped.
 * @param where what is read, for the message: a file's path
 * @throws ClipwrightError ERR_FORMAT, in one line
 */
export function parseJson(text: string, where: string): unknown {
  try {
    return JSON.parse(text.startsWith('\uFEFF') ? text.slice(1) : text)
  } catch (cause) {
    // The engine's message quotes the text as it is, line breaks and control characters included.
    const reason = (cause as Error).message.replace(/[\s\p{Cc}]+/gu, ' ')
    throw new ClipwrightError('ERR_FORMAT', `${where} is not JSON (${reason}).`, { cause })
  }
}

/** An ERR_FORMAT naming the first key of a parsed file that is not as such files have it. */
export function notAsExpected(where: string, error: z.ZodError): ClipwrightError {
  const { path, message } = error.issues[0]!
  return new ClipwrightError('ERR_FORMAT', `${where}: "${path.join('.')}": ${message}.`, { cause: error })
}
