/** What a repository holds at a revision, by Hugging Face's own client. */
import { z } from 'zod'
import { ClipwrightError } from '../base/errors.js'
import { COMMIT, type HubAddress } from './address.js'
import type { HubClient } from './client.js'

/** A file of a repository. Its hash is the name of its blob in the cache, too. */
export type HubFile = {
  size: number
  hash: string
  /** Of the bytes, as LFS has it; or git's, of the bytes behind a header. */
  kind: 'sha256' | 'git'
}

export type Listing = {
  commit: string
  /** Those that lie in no folder. */
  files: ReadonlyMap<string, HubFile>
}

const commit = z.string().regex(COMMIT)
const size = z.int().min(0)
// Hashes and commits become paths, so nothing else may stand in their places.
const entry = z.union([
  z.object({
    type: z.literal('file'),
    path: z.string(),
    lfs: z.object({ oid: z.string().regex(/^[0-9a-f]{64}$/), size }),
  }),
  z.object({ type: z.literal('file'), path: z.string(), size, oid: commit, lfs: z.undefined().optional() }),
])

/** @throws ClipwrightError ERR_NOT_FOUND, ERR_IO; ERR_FORMAT for answers that no hub gives */
export async function listRepository(
  { repository, revision }: HubAddress,
  endpoint: string,
  client: HubClient,
): Promise<Listing> {
  const { modelInfo, listFiles } = await import('@huggingface/hub')
  const how = { hubUrl: endpoint, fetch: client.fetch }
  try {
    const info = COMMIT.test(revision)
      ? { sha: revision }
      : await modelInfo({ name: repository, revision, additionalFields: ['sha'], ...how })
    const sha = commit.parse(info.sha)
    const files = new Map<string, HubFile>()
    for await (const item of listFiles({ repo: { type: 'model', name: repository }, revision: sha, ...how })) {
      if (item.type !== 'file' || item.path.includes('/') || item.path.includes('\\')) continue
      const found = entry.parse(item)
      files.set(
        found.path,
        found.lfs
          ? { size: found.lfs.size, hash: found.lfs.oid, kind: 'sha256' }
          : { size: (found as { size: number }).size, hash: (found as { oid: string }).oid, kind: 'git' },
      )
    }
    return { commit: sha, files }
  } catch (cause) {
    if (cause instanceof ClipwrightError) throw cause
    const message = `${endpoint} does not answer as a hub does when asked for the files of ${repository}; check HF_ENDPOINT.`
    throw new ClipwrightError('ERR_FORMAT', message, { cause })
  }
}
