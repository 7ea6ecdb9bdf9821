/** Reading folders that `replaceFolder` may be replacing at the same time. Readers change nothing on the disk. */
import { stat } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { isFileSystemError } from './atomic-write.js'

/** How often a reader that meets a swap looks again; a swap takes less than a millisecond, a save some seconds. */
const TRIES = 10

/** Where the old folder waits while the new one takes its name: the system cannot exchange two folders in one go. */
export function previousOf(path: string): string {
  const target = resolve(path)
  return join(dirname(target), `.${basename(target)}.previous`)
}

/**
 * Reads what is at `path`, or what was there before where a swap is in progress or was cut off by a crash. Should the
 * folder be replaced while it is read, it is read once more from the start.
 * @param read is given the path that holds a complete folder (or a file, or nothing at all: that is for it to say)
 */
export async function readComplete<T>(path: string, read: (complete: string) => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    const found = await find(path)
    try {
      return await read(found.path)
    } catch (error) {
      const now = await find(path)
      if (attempt === TRIES || (now.path === found.path && now.identity === found.identity)) throw error
    }
  }
}

type Found = { path: string; identity: string | undefined }

async function find(path: string): Promise<Found> {
  const previous = previousOf(path)
  // Between two looks the swap may be finished, and then the name is there again.
  for (const candidate of [path, previous, path]) {
    const identity = await identityOf(candidate)
    if (identity !== undefined) return { path: candidate, identity }
  }
  return { path, identity: undefined }
}

async function identityOf(path: string): Promise<string | undefined> {
  try {
    const { dev, ino, mtimeMs } = await stat(path)
    return `${dev} ${ino} ${mtimeMs}`
  } catch (error) {
    if (isFileSystemError(error)) return undefined
    throw error
  }
}
