import { ClipwrightError } from '../base/errors.js'
import { show } from '../base/options.js'

/** @throws ClipwrightError ERR_INVALID_ARGUMENT when `path` could not name a file, or what else it is to be the path of */
export function checkPath(path: unknown, where: string, of = 'a file'): void {
  if (typeof path === 'string' && path !== '' && !path.includes('\0')) return
  throw new ClipwrightError(
    'ERR_INVALID_ARGUMENT',
    `${where} expects the path of ${of} as a string, got ${show(path)}.`,
  )
}
