/**
 * The cache that Python's huggingface_hub shares: `models--owner--name/` with `blobs/`, each under its hash, `snapshots/`,
 * whose folders of links are commits, and `refs/`, which say what commit a branch was.
 */
import { randomBytes } from 'node:crypto'
import { readdir, readlink, rename, rm, stat, symlink } from 'node:fs/promises'
import { dirname, join, relative } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { ClipwrightError } from '../base/errors.js'
import { writeAtomically } from '../files/atomic-write.js'
import { isMissing } from '../files/exists.js'
import { describeOwner, FolderLock } from '../files/lock.js'
import { makeFolders } from '../files/make-folders.js'
import { readWholeText } from '../files/read-whole.js'
import { COMMIT, type HubAddress } from './address.js'
import type { HubFile } from './listing.js'

const ASK_AGAIN_MS = 200
/** File systems without links, and systems that let only some users make them. */
const NO_LINKS = new Set(['EPERM', 'ENOSYS', 'ENOTSUP', 'EOPNOTSUPP', 'EINVAL'])

/** One repository's place in the cache. */
export class RepositoryCache {
  readonly #folder: string
  readonly #locks: string
  readonly #address: HubAddress

  constructor(cache: string, address: HubAddress) {
    const name = ['models', ...address.repository.split('/')].join('--')
    this.#folder = join(cache, name)
    // Python locks files beside this folder in ways that Node.js has not; no file here depends on either lock.
    this.#locks = join(cache, '.locks', name, 'clipwright')
    this.#address = address
  }

  snapshotOf(commit: string): string {
    return join(this.#folder, 'snapshots', commit)
  }

  blobOf({ hash }: HubFile): string {
    return join(this.#folder, 'blobs', hash)
  }

  /** The commit that the revision was when it was last asked for. */
  async knownCommit(): Promise<string | undefined> {
    const { revision } = this.#address
    if (COMMIT.test(revision)) return revision
    const text = await readWholeText(join(this.#folder, 'refs', revision)).catch((error: unknown) => {
      if (!isMissing(error) && (error as NodeJS.ErrnoException).code !== 'EISDIR') throw error
      return ''
    })
    return COMMIT.test(text.trim()) ? text.trim() : undefined
  }

  /** Keeps what commit the revision is. A cache that takes no files but has what is needed will do. */
  async keepCommit(commit: string): Promise<void> {
    const { revision } = this.#address
    if (revision === commit || (await this.knownCommit()) === commit) return
    const path = join(this.#folder, 'refs', revision)
    await makeFolders(dirname(path))
    await writeAtomically(path, (handle) => handle.writeFile(commit))
  }

  /** Files of a commit that are there, in no folder of it; nothing for a commit that is not. */
  async filesOf(commit: string): Promise<Set<string>> {
    const folder = this.snapshotOf(commit)
    const names = await readdir(folder).catch((error: unknown) => {
      if (!isMissing(error)) throw error
      return []
    })
    const there = await Promise.all(names.map((name) => sizeOf(join(folder, name))))
    return new Set(names.filter((_, i) => there[i] !== undefined))
  }

  /** Whether the commit has the file; in the length that it must have, where that is known. */
  async has(commit: string, name: string, file?: HubFile): Promise<boolean> {
    const size = await sizeOf(join(this.snapshotOf(commit), name))
    return size !== undefined && (file === undefined || size === file.size)
  }

  async hasBlob(file: HubFile): Promise<boolean> {
    return (await sizeOf(this.blobOf(file))) === file.size
  }

  /** Puts a blob that is there into a commit, under a name. */
  async link(commit: string, name: string, file: HubFile): Promise<void> {
    const path = join(this.snapshotOf(commit), name)
    const blob = this.blobOf(file)
    const target = relative(dirname(path), blob)
    await makeFolders(dirname(path))
    if ((await readlink(path).catch(() => undefined)) === target) return
    const aside = `${path}.${randomBytes(4).toString('hex')}.tmp`
    try {
      await symlink(target, aside)
      await rename(aside, path)
    } catch (error) {
      await rm(aside, { force: true })
      if (!NO_LINKS.has((error as NodeJS.ErrnoException).code ?? '')) throw error
      // As Python does where there are no links: the file itself lies in its commit.
      await rename(blob, path)
    }
  }

  /**
   * The one who fetches files of this repository; others wait for it, and find them there.
   * @param say is told who is waited for
   */
  async lock(say: (sentence: string) => void): Promise<FolderLock> {
    let told = false
    for (;;) {
      await makeFolders(this.#locks)
      const busy = new ClipwrightError('ERR_IO', `${this.#folder} is being written to`)
      let owner = ''
      try {
        return await FolderLock.take(this.#locks, (found) => {
          owner = describeOwner(found)
          return busy
        })
      } catch (error) {
        if (error !== busy) throw error
      }
      if (!told) say(`${this.#address.repository} is being downloaded already (${owner}); waiting for it`)
      told = true
      await sleep(ASK_AGAIN_MS)
    }
  }
}

/** Of a file, or what a link leads to; undefined where there is none. */
async function sizeOf(path: string): Promise<number | undefined> {
  const found = await stat(path).catch((error: unknown) => {
    if (!isMissing(error)) throw error
  })
  return found?.isFile() ? found.size : undefined
}
