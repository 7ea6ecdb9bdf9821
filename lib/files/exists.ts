/** Whether something is there: only its absence is a no, every other failure an error. */
import { lstat, stat } from 'node:fs/promises'
import { isError } from '../base/brands.js'

/** Of an error of the file system: there is no such file, or a part of its path is none. */
export function isMissing(error: unknown): boolean {
  return isError(error) && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR')
}

/** Follows links: one that leads nowhere is not there. */
export function exists(path: string): Promise<boolean> {
  return found(stat(path))
}

/** A link counts, wherever it leads. */
export function lexists(path: string): Promise<boolean> {
  return found(lstat(path))
}

async function found(looking: Promise<unknown>): Promise<boolean> {
  return looking.then(
    () => true,
    (error: unknown) => {
      if (isMissing(error)) return false
      throw error
    },
  )
}
