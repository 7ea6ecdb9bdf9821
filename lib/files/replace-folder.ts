/** Folders that are either the old one or the new one, whatever happens in between. */
import { randomBytes } from 'node:crypto'
import { mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { ClipwrightError } from '../base/errors.js'
import { isFileSystemError, syncFolder, writeError } from './atomic-write.js'
import { checkPath } from './check-path.js'
import { previousOf } from './complete-folder.js'

/**
 * Fills a folder aside, flushes it to the disk and puts it in the place of `path`. Until it is complete, what was at
 * `path` stays; a crash between the two renames leaves the old folder under a name that `recoverFolder` finds.
 *
 * @param marker an existing folder is replaced only when it is empty or holds this file
 * @param fill writes files (no folders) into the folder that it is given
 * @throws ClipwrightError ERR_INVALID_ARGUMENT when `path` holds something else, ERR_IO; other errors of `fill` pass as
 *   they are
 */
export async function replaceFolder(
  path: string,
  marker: string,
  fill: (folder: string) => Promise<void>,
): Promise<void> {
  checkPath(path, 'Saving')
  const target = resolve(path)
  const parent = dirname(target)
  try {
    await recoverFolder(target)
    const replaces = await checkReplaceable(target, marker)
    await mkdir(parent, { recursive: true })
    const aside = join(parent, `.${basename(target)}.${randomBytes(6).toString('hex')}.tmp`)
    try {
      await mkdir(aside)
      await fill(aside)
      for (const file of await readdir(aside)) await syncFile(join(aside, file))
      await syncFolder(aside)
      if (replaces) await swap(aside, target)
      else await rename(aside, target)
    } catch (error) {
      await rm(aside, { recursive: true, force: true }).catch(() => {})
      throw error
    }
    await syncFolder(parent)
    await rm(previousOf(target), { recursive: true, force: true })
  } catch (error) {
    // Users know no folder aside: a file that could not be written there is `path` that could not be.
    const cause = error instanceof ClipwrightError && error.code === 'ERR_IO' ? error.cause : error
    throw isFileSystemError(cause) ? writeError(path, cause) : error
  }
}

/**
 * Puts back the folder that a crash in the middle of `replaceFolder` left aside. For writers alone: in the middle of a
 * save that goes on, this would take its folder away. Readers use `readComplete`.
 * @throws ClipwrightError ERR_IO
 */
export async function recoverFolder(path: string): Promise<void> {
  const target = resolve(path)
  try {
    if ((await exists(target)) || !(await exists(previousOf(target)))) return
    await rename(previousOf(target), target)
  } catch (cause) {
    throw new ClipwrightError('ERR_IO', `${path} could not be looked up (${(cause as Error).message}).`, { cause })
  }
}

async function swap(aside: string, target: string): Promise<void> {
  await rm(previousOf(target), { recursive: true, force: true })
  await rename(target, previousOf(target))
  try {
    await rename(aside, target)
  } catch (error) {
    await rename(previousOf(target), target)
    throw error
  }
}

async function checkReplaceable(target: string, marker: string): Promise<boolean> {
  if (!(await exists(target))) return false
  const isFolder = (await stat(target)).isDirectory()
  const files = isFolder ? await readdir(target) : []
  if (isFolder && (files.length === 0 || files.includes(marker))) return true
  throw new ClipwrightError(
    'ERR_INVALID_ARGUMENT',
    `${target} ${isFolder ? `is a folder without ${marker}` : 'is a file'}, so saving a model there would delete what it holds; choose another path.`,
  )
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    (error: unknown) => {
      if (isFileSystemError(error) && (error.code === 'ENOENT' || error.code === 'ENOTDIR')) return false
      throw error
    },
  )
}

async function syncFile(path: string): Promise<void> {
  const handle = await open(path, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
