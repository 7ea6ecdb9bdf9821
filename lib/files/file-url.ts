/** Files that are named by a URL. */
import { fileURLToPath } from 'node:url'
import { invalid } from '../base/errors.js'

/**
 * @param where names the value in messages: `images[3]`
 * @throws ClipwrightError ERR_INVALID_ARGUMENT for anything but a file: URL of this machine
 */
export function pathOfUrl(url: URL, where: string): string {
  if (url.protocol !== 'file:') {
    throw invalid(`${where}: expected a file: URL, got ${url.href}; fetch it first and pass its bytes`)
  }
  try {
    return fileURLToPath(url)
  } catch {
    throw invalid(`${where}: expected a file: URL of this machine, got ${url.href}`)
  }
}
