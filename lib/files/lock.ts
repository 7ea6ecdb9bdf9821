/** One writer of a folder at a time: a lock file that names its owner, and that a dead owner does not keep. */
import { randomBytes } from 'node:crypto'
import { readFileSync, readlinkSync } from 'node:fs'
import { type FileHandle, link, mkdir, open, readdir, rename, rm, rmdir, stat } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { ClipwrightError } from '../base/errors.js'
import { readWholeText } from './read-whole.js'

export const LOCK_NAME = '.lock'
/** How often an owner shows that it lives, and for how long it is believed where that cannot be seen otherwise. */
const BEAT_MS = 10_000
const BELIEVED_MS = 60_000
const GUARDED_MS = 5_000
/** How often a lock that changes under the eyes is looked at again, 10 ms apart. */
const TRIES = 50
/** Locks that are not in their place yet. */
const ASIDE = /^\.lock\.[0-9a-f]{12}\.tmp$/

export type Owner = {
  pid: number
  host: string
  /** ISO time at which it took the lock. */
  since: string
  /** Of an owner on another host that has shown no life for so long: whether it lives cannot be known here. */
  silentMs?: number
}

/** A batch system's job, and how often it was started again: what an earlier start left behind is over. */
type Batch = { job: string; restart: number }

type Content = Omit<Owner, 'silentMs'> & {
  batch?: Batch | undefined
  /** Of this lock alone. */
  id: string
  /** Where process ids mean the same: a boot of a machine, and a space of ids on it. */
  space: string
  /** When the process began, as the system counts: process ids are used again. */
  began: string
}

export class FolderLock {
  #path: string
  readonly #id: string
  readonly #handle: FileHandle
  readonly #beat: NodeJS.Timeout

  private constructor(path: string, content: Content, handle: FileHandle) {
    this.#path = path
    this.#id = content.id
    this.#handle = handle
    const text = JSON.stringify(content)
    // Writing sets the file's time by the clock of the machine that has the disk.
    this.#beat = setInterval(() => void handle.write(text, 0).catch(() => {}), BEAT_MS)
    this.#beat.unref()
  }

  /**
   * Takes the lock of an existing folder, from a dead owner if need be. One on another host that is silent keeps it: it may have
   * lost the network alone, and come back.
   * @param refuse makes the error that is answered with while there is an owner
   * @throws what `refuse` makes; the file system's errors
   */
  static async take(folder: string, refuse: (owner: Owner) => ClipwrightError): Promise<FolderLock> {
    const path = join(folder, LOCK_NAME)
    const content = describeSelf()
    const aside = join(folder, `${LOCK_NAME}.${randomBytes(6).toString('hex')}.tmp`)
    const handle = await open(aside, 'wx')
    try {
      await handle.writeFile(JSON.stringify(content))
      for (let i = 0; i < TRIES; i++) {
        if (await place(aside, path)) {
          await removeAsides(folder, aside)
          return new FolderLock(path, content, handle)
        }
        const found = await readLock(path)
        if (found === 'gone') continue
        const owner = await livingOwner(found, path, aside)
        if (owner) throw refuse(owner)
        await removeDead(path, found, aside)
      }
      throw new ClipwrightError('ERR_IO', `${path} is taken and given up all the time; try again.`)
    } catch (error) {
      await handle.close().catch(() => {})
      throw error
    } finally {
      await rm(aside, { force: true }).catch(() => {})
    }
  }

  /** The owner of a folder that is locked, unless it is known to be dead. */
  static async ownerOf(folder: string): Promise<Owner | undefined> {
    const path = join(folder, LOCK_NAME)
    const found = await readLock(path)
    return found === 'gone' ? undefined : livingOwner(found, path)
  }

  /** Whether the lock still lies in the folder, at its path. */
  async isHeld(): Promise<boolean> {
    const found = await readLock(this.#path)
    return found !== 'gone' && found.id === this.#id
  }

  /** Who has the folder in place of this owner, as far as can be read: somebody took the lock away by hand. */
  async takenBy(): Promise<Owner | undefined> {
    const found = await readLock(this.#path).catch(() => 'gone' as const)
    return found === 'gone' || found.id === this.#id ? undefined : found
  }

  /** The folder was moved. */
  follow(folder: string): void {
    this.#path = join(folder, LOCK_NAME)
  }

  /** Gives the folder free; a lock that somebody else has taken meanwhile stays. */
  async release(): Promise<void> {
    clearInterval(this.#beat)
    await this.#handle.close().catch(() => {})
    if (await this.isHeld().catch(() => false)) await rm(this.#path, { force: true })
  }
}

/** Who holds a folder, for messages. */
export function describeOwner({ pid, host, since }: Owner): string {
  return `process ${pid} on ${host}, since ${since}`
}

/** Puts the finished lock in its place, in one go. @returns false when there is one already */
async function place(aside: string, path: string): Promise<boolean> {
  try {
    await link(aside, path)
    return true
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'EEXIST') return false
    if (code !== 'EPERM' && code !== 'ENOTSUP' && code !== 'EOPNOTSUPP' && code !== 'ENOSYS') throw error
  }
  // A file system without hard links. Whoever looks in between finds an empty lock, and asks again.
  try {
    await (await open(path, 'wx')).close()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
  await rename(aside, path)
  return true
}

/** Removes what processes left that ended while they asked for the lock. */
async function removeAsides(folder: string, own: string): Promise<void> {
  for (const name of await readdir(folder)) {
    const path = join(folder, name)
    if (!ASIDE.test(name) || path === own) continue
    const found = await readLock(path)
    if (found !== 'gone' && !(await isThere(found, path, own))) await rm(path, { force: true })
  }
}

/** Whether somebody may still be asking: where that cannot be known, for a minute. */
async function isThere(lock: Content, path: string, own: string): Promise<boolean> {
  const owner = await livingOwner(lock, path, own).catch(() => ({ silentMs: 0 }))
  return owner !== undefined && (owner.silentMs ?? 0) === 0
}

async function readLock(path: string): Promise<Content | 'gone'> {
  let text = ''
  for (let i = 0; i < TRIES; i++) {
    try {
      text = await readWholeText(path)
      return JSON.parse(text)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return 'gone'
      if (!(error instanceof SyntaxError)) throw error
      await pause()
    }
  }
  // No lock of this library: nobody holds it, and nothing tells who wrote it.
  return { pid: 0, host: '', since: '', id: text, space: '', began: '' }
}

/**
 * The owner that a lock names, unless it is known to be dead.
 * @param fresh a file that was written just now in the same folder: it has the time by the same clock as the lock. Without one
 *   a lock of another host says no more than that it is there
 */
async function livingOwner(lock: Content, path: string, fresh?: string): Promise<Owner | undefined> {
  const { pid, host, since } = lock
  const owner = { pid, host, since }
  if (lock.space === spaceOfIds()) return isRunning(lock) ? owner : undefined
  if (isEarlierStart(lock.batch, batchOf(process.env))) return undefined
  // Another boot of this host, or another container on it, of which a minute of silence is enough; or no lock at all.
  const isNear = host === hostname() || !host
  if (!isNear && fresh === undefined) return owner
  const now = fresh === undefined ? Date.now() : await timeOf(fresh)
  const silentMs = now - (await timeOf(path))
  if (silentMs < BELIEVED_MS) return owner
  return isNear ? undefined : { ...owner, silentMs }
}

async function timeOf(path: string): Promise<number> {
  return stat(path).then(
    ({ mtimeMs }) => mtimeMs,
    () => 0,
  )
}

/** SLURM starts a job again under its own number, once all that its earlier start left has ended. */
function batchOf({ SLURM_JOB_ID: job, SLURM_RESTART_COUNT, SLURM_CLUSTER_NAME: cluster = '' }: NodeJS.ProcessEnv) {
  return job ? { job: `${cluster} ${job}`, restart: Number(SLURM_RESTART_COUNT ?? 0) } : undefined
}

function isEarlierStart(before: Batch | undefined, now: Batch | undefined): boolean {
  return before !== undefined && now !== undefined && before.job === now.job && before.restart < now.restart
}

function isRunning({ pid, began }: Content): boolean {
  try {
    process.kill(pid, 0)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false
  }
  return beginOf(pid) === began
}

/**
 * Takes a dead owner's lock away, one process at a time: nobody else's new lock can be in its place then.
 * @param fresh as of `isAlive`
 */
async function removeDead(path: string, { id }: Content, fresh: string): Promise<void> {
  const guard = `${path}.guard`
  try {
    await mkdir(guard)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    // Who removes a lock needs milliseconds for it, or died in them.
    const since = await stat(guard).then(
      ({ mtimeMs }) => mtimeMs,
      () => Number.NaN,
    )
    if ((await stat(fresh)).mtimeMs - since > GUARDED_MS) await rmdir(guard).catch(() => {})
    await pause()
    return
  }
  try {
    const found = await readLock(path)
    if (found !== 'gone' && found.id === id) await rm(path, { force: true })
  } finally {
    await rmdir(guard)
  }
}

function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 10))
}

function describeSelf(): Content {
  return {
    pid: process.pid,
    host: hostname(),
    since: new Date().toISOString(),
    id: randomBytes(12).toString('hex'),
    space: spaceOfIds(),
    began: beginOf(process.pid),
    batch: batchOf(process.env),
  }
}

function spaceOfIds(): string {
  try {
    return `${readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()} ${readlinkSync('/proc/self/ns/pid')}`
  } catch {
    return hostname() // systems without /proc have no such spaces either
  }
}

/** Of Linux: the 22nd field of /proc/PID/stat, after a name that may hold anything. Elsewhere process ids must do. */
function beginOf(pid: number): string {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1')
    return text.slice(text.lastIndexOf(')') + 2).split(' ')[19] ?? ''
  } catch {
    return ''
  }
}
