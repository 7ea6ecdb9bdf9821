/** Where the path of a checkpoint or the name of a built-in model is taken. */
import { existsSync } from 'node:fs'
import { ClipwrightError } from '../base/errors.js'
import { isHubAddress } from '../hub/address.js'
import { isModelName, offerOf } from '../models/registry.js'

/**
 * What lies at the path, or where nothing does, what the name stands for.
 * @throws ClipwrightError as `atPath`, whose ERR_NOT_FOUND offers the nearest names
 */
export async function pathOrName<T>(given: string, atPath: () => Promise<T>, named: () => T | Promise<T>): Promise<T> {
  try {
    return await atPath()
  } catch (error) {
    if (
      !(error instanceof ClipwrightError) ||
      error.code !== 'ERR_NOT_FOUND' ||
      existsSync(given) ||
      isHubAddress(given)
    )
      throw error
    if (isModelName(given)) return named()
    const message = `${error.message} It is no name of a built-in model either; ${offerOf(given)}`
    throw new ClipwrightError('ERR_NOT_FOUND', message, { cause: error })
  }
}
