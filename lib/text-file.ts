/** Files of text that users name. */
import { readFile } from 'node:fs/promises'
import { ClipwrightError } from './errors.js'

/**
 * The whole text of a file.
 * @param describe what to say of a failure, from the system's reason and whether there is no such file
 * @throws ClipwrightError ERR_NOT_FOUND when there is none, ERR_IO when it cannot be read
 */
export async function readTextFile(
  path: string | URL,
  describe: (reason: string, missing: boolean) => string,
): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException
    const missing = code === 'ENOENT'
    throw new ClipwrightError(missing ? 'ERR_NOT_FOUND' : 'ERR_IO', describe(message, missing), { cause })
  }
}
