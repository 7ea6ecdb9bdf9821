/** Files in which more than one thing could be the model. */
import { ClipwrightError } from '../../base/errors.js'

const list = (keys: readonly string[]) =>
  keys
    .slice(0, 10)
    .map((key) => (key === '' ? 'the file itself' : `"${key}"`))
    .join(', ') + (keys.length > 10 ? ', …' : '')

/** @param keys where weights lie, as `key` would name them */
export function ambiguous(path: string, keys: readonly string[]): ClipwrightError {
  const several =
    keys.length > 1
      ? `weights under several keys (${list(keys)})`
      : `weights only under ${list(keys)}, an average that is not taken unasked`
  return new ClipwrightError(
    'ERR_MISMATCH',
    `${path} holds ${several}; say which as { key: '${keys[0]}' }, on the command line as --key ${keys[0]}.`,
    { keys },
  )
}

const unknown = new WeakSet<object>()

export function unknownKey(path: string, key: string, keys: readonly string[]): ClipwrightError {
  const there = keys.length > 0 ? `there are weights under ${list(keys)}` : 'leave key out to find them'
  const message = `${path} holds no weights under the key "${key}"; ${there}.`
  const error = new ClipwrightError('ERR_INVALID_ARGUMENT', message)
  unknown.add(error)
  return error
}

export const isUnknownKey = (error: unknown) => unknown.has(Object(error))
