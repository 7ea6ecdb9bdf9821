import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { ClipwrightError } from '../../lib/base/errors.js'
import { describeOwner, FolderLock, LOCK_NAME, type Owner } from '../../lib/files/lock.js'
import { temporaryFolder } from '../train/pictures.js'

const root = temporaryFolder()
const folder = () => mkdtempSync(join(root, 'f-'))
const refuse = (owner: Owner) => new ClipwrightError('ERR_INVALID_ARGUMENT', describeOwner(owner))
const take = (path: string) => FolderLock.take(path, refuse)
const refused = {
  code: 'ERR_INVALID_ARGUMENT',
  message: expect.stringContaining(`process ${process.pid} on ${hostname()}`),
}

/** Changes what a lock says of its owner, and how long ago that showed that it lives. */
function rewrite(path: string, change: object, secondsAgo = 0): void {
  const lock = join(path, LOCK_NAME)
  writeFileSync(lock, JSON.stringify({ ...JSON.parse(readFileSync(lock, 'utf8')), ...change }))
  const then = Date.now() / 1000 - secondsAgo
  utimesSync(lock, then, then)
}

describe('one writer of a folder', () => {
  test('has it alone until it gives it free, and leaves nothing behind', async () => {
    const path = folder()
    const lock = await take(path)
    expect(await FolderLock.ownerOf(path)).toMatchObject({ pid: process.pid, host: hostname() })
    await expect(take(path)).rejects.toMatchObject(refused)
    expect(await lock.isHeld()).toBe(true)
    expect(readdirSync(path)).toEqual([LOCK_NAME])
    await lock.release()
    expect(readdirSync(path)).toEqual([])
    await (await take(path)).release()
  })

  test('is one of many that ask at the same time', async () => {
    const path = folder()
    const results = await Promise.allSettled(Array.from({ length: 20 }, () => take(path)))
    const taken = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []))
    expect(taken).toHaveLength(1)
    expect(results.find(({ status }) => status === 'rejected')).toMatchObject({ reason: refused })
    await taken[0]!.release()
    expect(readdirSync(path)).toEqual([])
  })
})

test('who lost its lock to another learns it', async () => {
  const path = folder()
  const lock = await take(path)
  expect(await lock.takenBy()).toBeUndefined()
  rmSync(join(path, LOCK_NAME))
  expect(await lock.takenBy()).toBeUndefined()
  const other = await take(path)
  expect(await lock.takenBy()).toMatchObject({ pid: process.pid, host: hostname() })
  await other.release()
})

describe('a dead owner does not keep its folder', () => {
  test.each([
    ['a process that is gone', { pid: spawnSync('true').pid }],
    ['another process that has its number now', { began: '1' }],
  ])('%s', async (_, change) => {
    const path = folder()
    const dead = await take(path)
    rewrite(path, { ...change, id: 'dead' })
    expect(await FolderLock.ownerOf(path)).toBeUndefined()
    const results = await Promise.allSettled(Array.from({ length: 20 }, () => take(path)))
    const taken = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []))
    expect(taken).toHaveLength(1)
    expect(await taken[0]!.isHeld()).toBe(true)
    expect(await dead.isHeld()).toBe(false)
    await dead.release() // the lock is another's now
    expect(readdirSync(path)).toEqual([LOCK_NAME])
    await taken[0]!.release()
    expect(readdirSync(path)).toEqual([])
  })

  test('of another boot of this host, once it has shown no life for a minute', async () => {
    const path = folder()
    await take(path)
    const far = { space: 'another boot', pid: 1, id: 'far' }
    rewrite(path, far, 30)
    await expect(take(path)).rejects.toThrow(`process 1 on ${hostname()}`)
    rewrite(path, far, 61)
    expect(await FolderLock.ownerOf(path)).toBeUndefined()
    await (await take(path)).release()
  })

  test('whatever its lock holds, once that is old', async () => {
    const path = folder()
    writeFileSync(join(path, LOCK_NAME), 'half a l')
    utimesSync(join(path, LOCK_NAME), 1, 1)
    await (await take(path)).release()
    expect(readdirSync(path)).toEqual([])
  })
})

describe('an owner on another host', () => {
  const far = { host: 'far-away', space: 'another machine', pid: 1, id: 'far', since: '2026-01-01T00:00:00.000Z' }
  const silence = (owner: Owner) => new ClipwrightError('ERR_INVALID_ARGUMENT', `silent for ${owner.silentMs}`)
  afterEach(() => vi.unstubAllEnvs())

  test('keeps its folder however long it is silent, which is told', async () => {
    const path = folder()
    const lock = await take(path)
    rewrite(path, far, 30)
    await expect(FolderLock.take(path, silence)).rejects.toThrow('silent for undefined')
    rewrite(path, far, 3600)
    await expect(FolderLock.take(path, silence)).rejects.toThrow(/^silent for 3[56]\d{5}/)
    expect(await FolderLock.ownerOf(path)).toMatchObject({ pid: 1, host: 'far-away' })
    expect(readdirSync(path)).toEqual([LOCK_NAME])
    expect(await lock.isHeld()).toBe(false)
  })

  test('is judged by the clock of who has the disk, not by this one', async () => {
    const path = folder()
    await take(path)
    rewrite(path, far, 5)
    vi.spyOn(Date, 'now').mockReturnValue(Date.now() + 3_600_000)
    await expect(FolderLock.take(path, silence)).rejects.toThrow('silent for undefined')
    expect(await FolderLock.ownerOf(path)).not.toHaveProperty('silentMs')
    vi.restoreAllMocks()
  })

  test.each([
    ['an earlier start of the same job is over', '7', '1', true],
    ['the same start is not', '7', '0', false],
    ['nor is another job', '8', '1', false],
  ])('in a job of SLURM: %s', async (_, job, restart, free) => {
    const path = folder()
    await take(path)
    rewrite(path, { ...far, batch: { job: 'big 7', restart: 0 } }, 1)
    vi.stubEnv('SLURM_CLUSTER_NAME', 'big').stubEnv('SLURM_JOB_ID', job).stubEnv('SLURM_RESTART_COUNT', restart)
    if (free) await (await take(path)).release()
    else await expect(take(path)).rejects.toThrow('process 1 on far-away')
  })
})
