/** Models whose tensors are spread over several safetensors files, as Hugging Face saves large ones. */
import { readFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { ClipwrightError } from '../errors.js'
import { isFileSystemError } from './atomic-write.js'
import { checkPath } from './check-path.js'
import type { Safetensors } from './safetensors.js'
import { openSafetensors, type StoredTensor } from './safetensors-reader.js'

export const INDEX_NAME = 'model.safetensors.index.json'

/**
 * Reads every tensor that the folder's index names. Shards' metadata are merged.
 *
 * @param indexName the index's file name in the folder
 * @throws ClipwrightError ERR_NOT_FOUND when the index or a shard is missing; ERR_FORMAT when the index or a shard is
 *   not what it claims; ERR_MISMATCH when a shard lacks tensors that the index places there or holds others (all named)
 */
export async function readShardedSafetensors(folder: string, indexName = INDEX_NAME): Promise<Safetensors> {
  checkPath(folder, 'Reading shards')
  const namesOfShard = await readIndex(join(folder, indexName))
  const tensors: Record<string, StoredTensor> = Object.create(null)
  const metadata: Record<string, string> = Object.create(null)
  for (const [shard, names] of namesOfShard) {
    const file = await openSafetensors(join(folder, shard))
    try {
      checkNames(file.path, names, file.entries)
      for (const name of names) tensors[name] = await file.read(name)
      Object.assign(metadata, file.metadata)
    } finally {
      await file.close()
    }
  }
  return { tensors, metadata }
}

/** Names of the tensors that each shard holds. */
async function readIndex(path: string): Promise<Map<string, Set<string>>> {
  const bad = (problem: string, cause?: unknown) =>
    new ClipwrightError('ERR_FORMAT', `${path} is not a valid index of shards: ${problem}; download it again.`, {
      cause,
    })
  const text = await readText(path)
  let index: unknown
  try {
    index = JSON.parse(text)
  } catch (cause) {
    throw bad('it is not JSON', cause)
  }
  const weightMap = (index as { weight_map?: unknown } | null)?.weight_map
  if (typeof weightMap !== 'object' || weightMap === null || Array.isArray(weightMap)) {
    throw bad('it has no object "weight_map" from tensor names to files')
  }
  const namesOfShard = new Map<string, Set<string>>()
  for (const [name, shard] of Object.entries(weightMap)) {
    if (typeof shard !== 'string') throw bad(`"weight_map" gives no file name for ${JSON.stringify(name)}`)
    // An index comes with a download: it may only name files beside itself.
    if (shard !== basename(shard) || shard === '' || shard === '.' || shard === '..') {
      throw bad(`"weight_map" names ${JSON.stringify(shard)}, which is not a file in the same folder`)
    }
    const names = namesOfShard.get(shard) ?? new Set()
    namesOfShard.set(shard, names.add(name))
  }
  return namesOfShard
}

async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    if (!isFileSystemError(error)) throw error
    const isMissing = error.code === 'ENOENT' || error.code === 'ENOTDIR'
    throw new ClipwrightError(
      isMissing ? 'ERR_NOT_FOUND' : 'ERR_IO',
      isMissing ? `There is no index of shards ${path}.` : `${path} could not be read (${error.message}).`,
      { cause: error },
    )
  }
}

function checkNames(path: string, expected: ReadonlySet<string>, found: ReadonlyMap<string, unknown>): void {
  const missing = [...expected].filter((name) => !found.has(name))
  const extra = [...found.keys()].filter((name) => !expected.has(name))
  if (missing.length === 0 && extra.length === 0) return
  const problems = [
    missing.length > 0 ? `lacks ${missing.join(', ')}` : '',
    extra.length > 0 ? `holds besides ${extra.join(', ')}` : '',
  ]
  throw new ClipwrightError(
    'ERR_MISMATCH',
    `${path} does not hold what the index says: it ${problems.filter(Boolean).join(' and ')}; index and shards must be of one download.`,
  )
}
