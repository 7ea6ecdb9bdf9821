/** Where what can be made again is kept: CLIPWRIGHT_CACHE, else `clipwright` in XDG_CACHE_HOME or ~/.cache. */
import { homedir } from 'node:os'
import { join, resolve } from 'node:path'

export function cacheFolder(): string {
  const given = process.env.CLIPWRIGHT_CACHE?.trim()
  if (given) return resolve(given)
  return join(process.env.XDG_CACHE_HOME?.trim() || join(homedir(), '.cache'), 'clipwright')
}
