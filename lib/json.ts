/** JSON from files that somebody else may have written. */
import { ClipwrightError } from './errors.js'

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
