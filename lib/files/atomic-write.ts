/** Files that are either the old one or the new one, whatever happens in between. */

import { randomBytes } from 'node:crypto'
import { accessSync, constants, existsSync } from 'node:fs'
import { type FileHandle, open, realpath, rename, rm, stat } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { isError } from '../base/brands.js'
import { ClipwrightError } from '../base/errors.js'
import { checkPath } from './check-path.js'

/**
 * Writes a file aside in the same folder, flushes it to the disk, renames it to `path` and flushes the folder. When
 * anything fails the aside file is removed and what was at `path` stays as it was. A link is followed.
 *
 * @param write fills the file, which is called `aside` until then; `handle.writeFile` appends the whole of what it is given
 * @throws ClipwrightError ERR_IO naming the path and the cause; errors of `write` that are not the file system's pass
 *   as they are
 */
export async function writeAtomically(
  path: string,
  write: (handle: FileHandle, aside: string) => Promise<void>,
): Promise<void> {
  checkPath(path, 'Writing')
  try {
    const target = await targetOf(path)
    const folder = dirname(target)
    const aside = join(folder, `.${basename(target)}.${randomBytes(6).toString('hex')}.tmp`)
    try {
      const handle = await open(aside, 'wx')
      try {
        await write(handle, aside)
        await handle.sync()
      } finally {
        await handle.close()
      }
      await rename(aside, target)
    } catch (error) {
      await rm(aside, { force: true }).catch(() => {})
      throw error
    }
    await syncFolder(folder)
  } catch (error) {
    throw isFileSystemError(error) ? writeError(path, error) : error
  }
}

/** Where a link leads to, so that the link stays one. A rename would put a file in place of /dev/null, too. */
async function targetOf(path: string): Promise<string> {
  const target = await realpath(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return path
    throw error
  })
  const found = await stat(target).catch(() => undefined)
  if (!found || found.isFile()) return target
  const kind = found.isDirectory() ? 'folder' : 'device, pipe or socket'
  throw new ClipwrightError('ERR_IO', `${path} could not be written because it is a ${kind}; name a file.`)
}

/** Makes what was created or renamed in a folder durable. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

type FileSystemError = Error & { code: string }

export function isFileSystemError(error: unknown): error is FileSystemError {
  return isError(error) && 'syscall' in error && 'code' in error && typeof error.code === 'string'
}

/** An ERR_IO that says why `path` could not be written, and that nothing was lost. */
export function writeError(path: string, cause: FileSystemError): ClipwrightError {
  if (cause.code === 'ENOSPC' || cause.code === 'EDQUOT') {
    return new ClipwrightError(
      'ERR_IO',
      `${path} could not be written because the disk is full (${cause.code}); what was there before is untouched, so free some space and save again.`,
      { cause },
    )
  }
  const closed = whyClosed(path)
  if (closed) return new ClipwrightError('ERR_IO', `${path} could not be written because ${closed}.`, { cause })
  if (cause.code === 'ENOENT' && !existsSync(dirname(path))) {
    return new ClipwrightError(
      'ERR_IO',
      `${path} could not be written because the folder ${dirname(path)} does not exist; create it first.`,
      { cause },
    )
  }
  return new ClipwrightError(
    'ERR_IO',
    `${path} could not be written (${cause.message}); what was there before is untouched.`,
    { cause },
  )
}

/** A read-only file system may answer that a folder cannot be found which is to be made, so it is asked itself. */
function whyClosed(path: string): string | undefined {
  let folder = dirname(resolve(path))
  while (!existsSync(folder) && dirname(folder) !== folder) folder = dirname(folder)
  try {
    accessSync(folder, constants.W_OK)
    return undefined
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'EROFS') return `the file system of ${folder} is read-only`
    return code === 'EACCES' || code === 'EPERM' ? `this user may not write into ${folder}` : undefined
  }
}
