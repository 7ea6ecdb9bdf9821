/** Folders whose files are either the old ones or the new ones, whatever happens in between. */
import { randomBytes } from 'node:crypto'
import { link, lstat, mkdir, open, readdir, realpath, rename, rm, rmdir, stat } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { ClipwrightError } from '../base/errors.js'
import { isFileSystemError, syncFolder, writeError } from './atomic-write.js'
import { checkPath } from './check-path.js'
import { previousOf } from './complete-folder.js'
import { exists, lexists } from './exists.js'
import { inTurn } from './in-turn.js'
import { makeFolders } from './make-folders.js'

/** Which files of a folder are a writer's. Everything else in it is somebody else's, and stays. */
export type Claim = {
  /** An existing folder is written into only when it is empty or holds this file. */
  marker: string
  /** Files that the writer writes or wrote: they are replaced, and removed when they are not written any more. */
  own: readonly string[]
  /** Folders of the writer's, and which names of files in them are its: with others in them they are left as they are. */
  folders?: Readonly<Record<string, RegExp>> | undefined
  /** Names under which a file would change what is read there later: where one is, nothing is written. */
  disturbing: readonly string[]
}

/**
 * Fills a folder aside, flushes it to the disk and puts it in the place of `path`. Until it is complete, what was at
 * `path` stays; a crash between the two renames leaves the old folder under a name that `recoverFolder` finds. Files
 * that are not the writer's are in the new folder, too.
 *
 * @param fill writes files, flushed ones into the claim's folders, into the folder that it is given; all of them are the
 *   writer's
 * @throws ClipwrightError ERR_INVALID_ARGUMENT when `path` holds something else, or files that would be read together
 *   with the new ones (all are named), ERR_IO; other errors of `fill` pass as they are
 */
export async function replaceFolder(
  path: string,
  claim: Claim,
  fill: (folder: string) => Promise<void>,
): Promise<void> {
  checkPath(path, 'Saving')
  // Two saves to one path would take each other's folders away: the later one has the last word.
  return inTurn(resolve(path), () => replace(path, claim, fill))
}

async function replace(path: string, claim: Claim, fill: (folder: string) => Promise<void>): Promise<void> {
  try {
    await recoverFolder(path)
    const target = await realpath(path).catch(() => resolve(path))
    const parent = dirname(target)
    const replaces = await checkReplaceable(target, claim)
    await settle(target, claim)
    await makeFolders(parent)
    const aside = join(parent, `.${basename(target)}.${randomBytes(6).toString('hex')}.tmp`)
    try {
      await mkdir(aside)
      await fill(aside)
      for (const file of await readdir(aside)) await syncFile(join(aside, file))
      if (replaces) await takeAlong(target, aside, claim)
      await syncFolder(aside)
      if (replaces) await swap(aside, target)
      else await rename(aside, target)
    } catch (error) {
      await rm(aside, { recursive: true, force: true }).catch(() => {})
      throw error
    }
    await syncFolder(parent)
    await settle(target, claim)
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

/** Removes a writer's files, and the folder when nothing else is in it. */
export async function removeOwn(folder: string, { own }: Pick<Claim, 'own'>): Promise<void> {
  for (const name of own) await rm(join(folder, name), { force: true })
  await removeEmpty(folder)
}

async function removeEmpty(folder: string): Promise<void> {
  await rmdir(folder).catch((error: unknown) => {
    if (!isFileSystemError(error) || !['ENOTEMPTY', 'EEXIST', 'ENOENT'].includes(error.code)) throw error
  })
}

async function swap(aside: string, target: string): Promise<void> {
  await rename(target, previousOf(target))
  try {
    await rename(aside, target)
  } catch (error) {
    await rename(previousOf(target), target)
    throw error
  }
}

/** Gives others' files a second name in the new folder, so that they are there when it is. */
async function takeAlong(target: string, aside: string, { own }: Claim): Promise<void> {
  const written = new Set([...own, ...(await readdir(aside))])
  for (const entry of await readdir(target, { withFileTypes: true })) {
    // Folders cannot have two names, nor files of some file systems: `settle` moves them.
    if (!written.has(entry.name) && entry.isFile()) {
      await link(join(target, entry.name), join(aside, entry.name)).catch(() => {})
    }
  }
}

/** Ends a replacement, now or after a crash: of the old folder others' files are moved into the new, its own removed. */
export async function settle(target: string, { own, disturbing, folders = {} }: Claim): Promise<void> {
  const old = previousOf(target)
  if (!(await exists(old))) return
  const ours = new Set([...own, ...disturbing, ...Object.keys(folders)])
  for (const name of await readdir(old)) {
    const [from, to] = [join(old, name), join(target, name)]
    const isHere = await lexists(to)
    if (!ours.has(name) && !isHere) await rename(from, to)
    // Somebody made a folder of this name meanwhile.
    else if (!ours.has(name) && (await lstat(from)).isDirectory()) await rename(from, `${to}.previous`)
    else await rm(from, { recursive: true, force: true })
  }
  // What came in just now is moved by the next save.
  await removeEmpty(old)
}

async function checkReplaceable(target: string, { marker, own, disturbing, folders = {} }: Claim): Promise<boolean> {
  if (!(await exists(target))) return false
  const isFolder = (await stat(target)).isDirectory()
  const entries = isFolder ? await readdir(target, { withFileTypes: true }) : []
  const names = entries.map(({ name }) => name)
  if (!isFolder || (names.length > 0 && !names.includes(marker))) {
    throw new ClipwrightError(
      'ERR_INVALID_ARGUMENT',
      `${target} ${isFolder ? `is a folder without ${marker}` : 'is a file'}, so saving a model there would mix it with what it holds; choose another path.`,
    )
  }
  const inTheWay = entries
    .filter((entry) => (own.includes(entry.name) ? entry.isDirectory() : disturbing.includes(entry.name)))
    .map(({ name }) => name)
  for (const { name } of entries.filter(({ name }) => Object.hasOwn(folders, name))) {
    inTheWay.push(...(await foreignIn(target, name, folders[name]!)))
  }
  if (inTheWay.length === 0) return true
  const list = inTheWay.join(', ')
  throw new ClipwrightError(
    'ERR_INVALID_ARGUMENT',
    `${target} holds ${list}, which saving would not replace and which would be read together with what is saved; move or remove ${inTheWay.length > 1 ? 'them' : 'it'}, or choose another path.`,
  )
}

/** What lies in a writer's folder and is not the writer's, or the folder itself where it is none. */
async function foreignIn(target: string, name: string, own: RegExp): Promise<string[]> {
  const folder = join(target, name)
  if (!(await stat(folder)).isDirectory()) return [name]
  const entries = await readdir(folder, { withFileTypes: true })
  return entries.filter((entry) => !entry.isFile() || !own.test(entry.name)).map((entry) => `${name}/${entry.name}`)
}

async function syncFile(path: string): Promise<void> {
  const handle = await open(path, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
