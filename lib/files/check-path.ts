import { ClipwrightError } from '../base/errors.js'
import { show } from '../base/options.js'

/** @throws ClipwrightError ERR_INVALID_ARGUMENT when `path` could not name a file */
export function checkPath(path: unknown, where: string): void {
  if (typeof path === 'string' && path !== '' && !path.includes('\0')) return
  throw new ClipwrightError(
    'ERR_INVALID_ARGUMENT',
    `${where} expects the path of a file as a string, got ${show(path)}.`,
  )
}
