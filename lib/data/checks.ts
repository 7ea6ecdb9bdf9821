/** What the readers of lists check in the same words. */
import { isAbsolute, relative, resolve } from 'node:path'
import { shorten } from '../base/shorten.js'
import { ExactNumber } from '../files/exact-json.js'
import { remoteAdvice } from '../image/source.js'

/** A value of a JSON file, for messages. */
export function kindOf(value: unknown): string {
  if (value === undefined) return 'nothing'
  if (value === null) return 'null'
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : 'a list'
  if (value instanceof ExactNumber) return `number ${shorten(value.source)}`
  return typeof value === 'object' ? 'an object' : `${typeof value} ${shorten(JSON.stringify(value) ?? '')}`
}

/** A picture's absolute path; `fail` is called when it lies outside the folder and must not. */
export function picturePath(
  folder: string,
  image: string,
  absolutePaths: boolean,
  fail: (what: string) => never,
): string {
  const advice = remoteAdvice(image)
  if (advice !== undefined) return fail(`expected a path, ${advice}`)
  const path = resolve(folder, image)
  if (absolutePaths) return path
  const inside = relative(folder, path)
  if (inside === '..' || inside.startsWith('../') || inside.startsWith('..\\') || isAbsolute(inside))
    return fail(
      `${shorten(JSON.stringify(image))} lies outside the list's folder ${folder}; move the list, or allow such paths with absolutePaths (--absolute-paths)`,
    )
  return path
}
