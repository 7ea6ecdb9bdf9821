/** Names of classes that can be told apart. */
import { invalid } from '../../base/errors.js'
import { show } from '../../base/options.js'
import { some } from '../../base/shorten.js'
import { imagenetClassNames } from './templates.js'

/**
 * The names, once there are some and no two are equal. ImageNet's own list passes although it has two such pairs.
 * @param where the function that they were given to, for messages
 * @throws ClipwrightError ERR_INVALID_ARGUMENT naming what is equal
 */
export function checkClassNames(names: unknown, where: string): readonly string[] {
  if (!Array.isArray(names)) throw invalid(`${where}: expected a list of class names, got ${show(names)}`)
  if (names.length === 0) throw invalid(`${where}: expected at least one class name, got none`)
  for (const [i, name] of names.entries()) {
    if (typeof name === 'string' && name.trim() !== '') continue
    throw invalid(`${where}: class name ${i}: expected a text that is not empty, got ${show(name)}`)
  }
  const equal = repeated(names)
  if (equal.length === 0 || isImagenet(names)) return names
  throw invalid(
    `${where}: ${equal.length === 1 ? 'a class name stands' : 'class names stand'} there more than once (${some(equal)}), so nothing tells these classes apart; give each another name`,
  )
}

/** What stands there more than once, each once. */
export function repeated(names: readonly string[]): string[] {
  const seen = new Set<string>()
  const again = new Set<string>()
  for (const name of names) (seen.has(name) ? again : seen).add(name)
  return [...again]
}

function isImagenet(names: readonly string[]): boolean {
  const known = imagenetClassNames()
  return names.length === known.length && names.every((name, i) => name === known[i])
}
