/** Pictures by name, by pattern and by folder. */
import { existsSync } from 'node:fs'
import { isAbsolute } from 'node:path'
import { glob, isDynamicPattern } from 'tinyglobby'
import { ClipwrightError } from '../base/errors.js'

/**
 * Paths as they are, and what patterns such as `photos/2024-*.jpg` match, sorted.
 * @throws ClipwrightError ERR_NOT_FOUND for a pattern that no file matches
 */
export async function findImages(patterns: readonly string[]): Promise<string[]> {
  const found: string[] = []
  for (const pattern of patterns) {
    // A shell hands over names that look like patterns: "cat[1].jpg".
    const isPath = !isDynamicPattern(pattern) || existsSync(pattern)
    const paths = isPath
      ? [pattern]
      : (await glob(pattern, { expandDirectories: false, absolute: isAbsolute(pattern) })).sort()
    if (paths.length === 0)
      throw new ClipwrightError('ERR_NOT_FOUND', `No file matches ${pattern}; quote the pattern and check its folder.`)
    found.push(...paths)
  }
  return found
}
