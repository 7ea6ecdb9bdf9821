/** What lies in a folder and below it. */
import { extname } from 'node:path'
import { glob } from 'tinyglobby'
import { some } from '../base/shorten.js'

/** Paths of files seen from the folder, with / between their parts, sorted; hidden ones are left out. */
export async function filesIn(folder: string): Promise<string[]> {
  return (await glob('**/*', { cwd: folder })).sort()
}

/** The endings of files, the most frequent first, for the message that nothing of a kind is there. */
export function endingsOf(files: readonly string[]): string {
  const counts = new Map<string, number>()
  for (const file of files) {
    const ending = extname(file).toLowerCase() || 'no ending'
    counts.set(ending, (counts.get(ending) ?? 0) + 1)
  }
  const found = [...counts].sort((a, b) => b[1] - a[1]).map(([ending, count]) => `${count} of ${ending}`)
  return some(found) || 'no files'
}
