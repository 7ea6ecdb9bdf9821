/** Some files of a repository as they are at one commit, in a folder of the cache. */
import { statfs } from 'node:fs/promises'
import { join } from 'node:path'
import { ClipwrightError } from '../base/errors.js'
import { some } from '../base/shorten.js'
import { isFileSystemError, writeError } from '../files/atomic-write.js'
import { makeFolders } from '../files/make-folders.js'
import type { HubAddress } from './address.js'
import { bytesThere, fetchBlob } from './blob.js'
import { RepositoryCache } from './cache.js'
import { HubClient } from './client.js'
import type { Asked } from './failures.js'
import { type HubFile, type Listing, listRepository } from './listing.js'
import { type HubOptions, type HubSettings, hubSettings } from './settings.js'
import { Voice } from './voice.js'

export type Snapshot = {
  folder: string
  /** What may be fetched: all files of the commit that lie in no folder; without a network those that are in the cache. */
  files: ReadonlySet<string>
  /** Makes these files be in the folder. @throws ClipwrightError ERR_NOT_FOUND, ERR_FORMAT, ERR_IO */
  fetch(names: readonly string[]): Promise<void>
}

/**
 * Has files of a repository fetched by `take`, which says which ones. Where the hub gives no answer, what is in the cache is
 * taken if it is all that `take` wants.
 * @throws ClipwrightError ERR_NOT_FOUND for what the hub, or offline the cache, has not; ERR_IO for a gated model (naming what
 *   to do), no network, a hub that limits or fails for long, a full disk; ERR_FORMAT for bytes that are not what the hub
 *   lists; what `take` throws
 */
export async function withSnapshot<T>(
  address: HubAddress,
  options: HubOptions | undefined,
  take: (snapshot: Snapshot) => Promise<T>,
): Promise<T> {
  const settings = await hubSettings(options)
  const cache = new RepositoryCache(settings.cache, address)
  if (settings.offline) return take(await fromCache(cache, address, settings))
  const voice = new Voice()
  const asked: Asked = { ...address, ...settings, withToken: settings.token !== undefined }
  const client = new HubClient(settings, asked, voice.note)
  try {
    let listing: Listing
    try {
      listing = await listRepository(address, settings.endpoint, client)
    } catch (error) {
      return await takeCached(cache, address, settings, take, error as Error, voice)
    }
    const taken = await take({
      folder: cache.snapshotOf(listing.commit),
      files: new Set(listing.files.keys()),
      fetch: (names) => fetchInto(cache, listing, names, { address, settings, client, voice }),
    })
    // Only now: a branch that moved names its new commit when that can be used.
    await cache.keepCommit(listing.commit).catch((error: unknown) => {
      if (!isFileSystemError(error) && !(error instanceof ClipwrightError)) throw error
    })
    return taken
  } finally {
    voice.close()
  }
}

async function fromCache(
  cache: RepositoryCache,
  address: HubAddress,
  { cache: place }: HubSettings,
): Promise<Snapshot> {
  const { repository, revision } = address
  const commit = await cache.knownCommit()
  const files = commit === undefined ? new Set<string>() : await cache.filesOf(commit)
  if (commit === undefined || files.size === 0) {
    const message = `${repository} at ${revision} is not in the cache (${place}), and offline (HF_HUB_OFFLINE) nothing is downloaded; load it once with a network, or name the cache that holds it by HF_HUB_CACHE.`
    throw new ClipwrightError('ERR_NOT_FOUND', message)
  }
  return {
    folder: cache.snapshotOf(commit),
    files,
    async fetch(names) {
      const lacking = names.filter((name) => !files.has(name))
      if (lacking.length === 0) return
      const message = `${repository} at ${revision} is in the cache (${place}) without ${some(lacking)}, and offline (HF_HUB_OFFLINE) nothing is downloaded; load it once with a network.`
      throw new ClipwrightError('ERR_NOT_FOUND', message)
    },
  }
}

/** Instead of a failure to ask the hub. */
async function takeCached<T>(
  cache: RepositoryCache,
  address: HubAddress,
  settings: HubSettings,
  take: (snapshot: Snapshot) => Promise<T>,
  failure: Error,
  voice: Voice,
): Promise<T> {
  let taken: T
  let commit: string | undefined
  try {
    taken = await take(await fromCache(cache, address, settings))
    commit = await cache.knownCommit()
  } catch {
    throw failure
  }
  voice.note(`${failure.message.replace(/\.$/, '')}; commit ${commit} is taken from the cache`)
  return taken
}

type Means = { address: HubAddress; settings: HubSettings; client: HubClient; voice: Voice }

async function fetchInto(
  cache: RepositoryCache,
  listing: Listing,
  names: readonly string[],
  means: Means,
): Promise<void> {
  const { commit, files } = listing
  const { repository, revision } = means.address
  const wanted: [string, HubFile][] = []
  for (const name of names) {
    const file = files.get(name)
    if (!file) throw new ClipwrightError('ERR_NOT_FOUND', `${repository} has no file ${name} at revision ${revision}.`)
    if (!(await cache.has(commit, name, file))) wanted.push([name, file])
  }
  if (wanted.length === 0) return
  try {
    const lock = await cache.lock(means.voice.note)
    try {
      await fetchAll(cache, commit, wanted, means)
    } finally {
      await lock.release()
    }
  } catch (error) {
    throw isFileSystemError(error) ? notWritten(error, means) : error
  }
}

async function fetchAll(
  cache: RepositoryCache,
  commit: string,
  wanted: readonly (readonly [string, HubFile])[],
  { address, settings, client, voice }: Means,
): Promise<void> {
  const missing: [string, HubFile][] = []
  for (const entry of wanted) if (!(await cache.hasBlob(entry[1]))) missing.push([...entry])
  const total = missing.reduce((sum, [, { size }]) => sum + size, 0)
  if (missing.length > 0) await makeFolders(join(cache.blobOf(missing[0]![1]), '..'))
  await requireRoom(cache, missing, address, settings)
  let done = 0
  for (const [name, file] of missing) {
    const blob = cache.blobOf(file)
    const url = `${settings.endpoint}/${address.repository}/resolve/${commit}/${encodeURIComponent(name)}`
    await fetchBlob(client, { url, file, blob, name: `${address.repository}/${name}` }, (bytes) =>
      voice.show(`${address.repository} ${name}`, done + bytes, total),
    )
    done += file.size
  }
  for (const [name, file] of wanted) await cache.link(commit, name, file)
}

/** Before gigabytes have come for nothing. */
async function requireRoom(
  cache: RepositoryCache,
  missing: readonly (readonly [string, HubFile])[],
  { repository }: HubAddress,
  settings: HubSettings,
): Promise<void> {
  let needed = 0
  for (const [, file] of missing) needed += file.size - Math.min(await bytesThere(cache.blobOf(file)), file.size)
  if (needed === 0) return
  const { bavail, bsize } = await statfs(settings.cache)
  if (bavail * bsize >= needed) return
  const mebibytes = (bytes: number) => `${Math.ceil(bytes / 2 ** 20)} MiB`
  const message = `${repository} needs ${mebibytes(needed)} in the cache ${settings.cache}, whose disk has ${mebibytes(bavail * bsize)} left; free some space, or name another cache by HF_HUB_CACHE or cacheDir.`
  throw new ClipwrightError('ERR_IO', message)
}

function notWritten(error: Parameters<typeof writeError>[1], { address, settings }: Means): ClipwrightError {
  if (error.code !== 'ENOSPC' && error.code !== 'EDQUOT') return writeError(settings.cache, error)
  const message = `${address.repository} does not fit into the cache ${settings.cache} because the disk is full (${error.code}); nothing broken was kept, so free some space, or name another cache by HF_HUB_CACHE or cacheDir.`
  return new ClipwrightError('ERR_IO', message, { cause: error })
}
