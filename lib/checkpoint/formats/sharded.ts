/** Models whose tensors are spread over several files, as Hugging Face saves large ones. */
import { basename, dirname, join } from 'node:path'
import { ClipwrightError } from '../../base/errors.js'
import { some } from '../../base/shorten.js'
import { readTextFile } from '../../files/text.js'
import type { StoredTensors, TensorInfo } from './safetensors/safetensors.js'

/** What the index of `NAME.safetensors` or `NAME.bin` in several files is called besides. */
export const INDEX_SUFFIX = '.index.json'

/**
 * Opens every shard that an index names and checks their headers. Shards' metadata are merged.
 *
 * @param path of the index; the shards lie beside it
 * @param open opens one of them
 * @throws ClipwrightError ERR_NOT_FOUND when the index or a shard is missing; ERR_FORMAT when the index or a shard is
 *   not what it claims; ERR_MISMATCH when a shard lacks tensors that the index places there or holds others (its keys name all)
 */
export async function openSharded(
  path: string,
  open: (path: string) => Promise<StoredTensors>,
): Promise<StoredTensors> {
  const namesOfShard = await readIndex(path)
  const shards: StoredTensors[] = []
  const close = async () => {
    await Promise.all(shards.map((shard) => shard.close()))
  }
  try {
    const shardOf = new Map<string, StoredTensors>()
    const entries = new Map<string, TensorInfo>()
    const metadata: Record<string, string> = Object.create(null)
    for (const [name, names] of namesOfShard) {
      const shard = await open(join(dirname(path), name))
      shards.push(shard)
      checkNames(shard.path, names, shard.entries)
      for (const [tensor, info] of shard.entries) {
        shardOf.set(tensor, shard)
        entries.set(tensor, info)
      }
      Object.assign(metadata, shard.metadata)
    }
    // A name that no shard has is refused by the first.
    const holding = (name: string) => shardOf.get(name) ?? shards[0]!
    const read: StoredTensors['read'] = (name) => holding(name).read(name)
    const pieces: StoredTensors['pieces'] = (name) => holding(name).pieces(name)
    const place: StoredTensors['place'] = (name) => holding(name).place(name)
    return { path, entries, metadata, read, pieces, place, close }
  } catch (error) {
    await close()
    throw error
  }
}

/**
 * The files that an index names, which lie beside it.
 * @throws ClipwrightError ERR_NOT_FOUND, ERR_FORMAT also where one of them would lie elsewhere
 */
export async function shardsOf(path: string): Promise<string[]> {
  return [...(await readIndex(path)).keys()]
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
  if (Object.keys(weightMap).length === 0) throw bad('its "weight_map" is empty')
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

function readText(path: string): Promise<string> {
  return readTextFile(path, (reason, missing) =>
    missing ? `There is no index of shards ${path}.` : `${path} could not be read (${reason}).`,
  )
}

function checkNames(path: string, expected: ReadonlySet<string>, found: ReadonlyMap<string, unknown>): void {
  const missing = [...expected].filter((name) => !found.has(name))
  const extra = [...found.keys()].filter((name) => !expected.has(name))
  if (missing.length === 0 && extra.length === 0) return
  const problems = [
    missing.length > 0 ? `lacks ${some(missing, 5)}` : '',
    extra.length > 0 ? `holds besides ${some(extra, 5)}` : '',
  ]
  throw new ClipwrightError(
    'ERR_MISMATCH',
    `${path} does not hold what the index says: it ${problems.filter(Boolean).join(' and ')}; index and shards must be of one download.`,
    { keys: [...missing, ...extra] },
  )
}
