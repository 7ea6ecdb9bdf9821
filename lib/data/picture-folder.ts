/** Where the pictures of a data set lie, which its file does not say. */
import { existsSync } from 'node:fs'
import { resolve } from 'node:path'

/** Files looked for in each folder. */
const SAMPLE = 64

/**
 * The candidate in which most of the names are files; the first of several, or of all when nothing is found.
 * @param names from all over the data
 */
export function pictureFolder(base: string, names: readonly string[], candidates: readonly string[]): string {
  const every = Math.ceil(names.length / SAMPLE)
  const sample = names.filter((_, i) => i % every === 0)
  let best = candidates[0]!
  let most = 0
  for (const candidate of candidates) {
    const found = sample.filter((name) => existsSync(resolve(base, candidate, name))).length
    if (found > most) [best, most] = [candidate, found]
  }
  return best
}
