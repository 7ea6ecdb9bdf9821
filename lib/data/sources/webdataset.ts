/**
 * Shards as webdataset has them (https://github.com/webdataset/webdataset): tar archives whose members are paired by key.
 * Shards are indexed, not streamed: any pair is read at its place, so that an epoch is an exact permutation of all pairs,
 * and a run goes on at any of them.
 */
import { createHash } from 'node:crypto'
import { ClipwrightError } from '../../base/errors.js'
import { limited } from '../../base/limited.js'
import { some } from '../../base/shorten.js'
import { IndexedSource } from '../indexed.js'
import { openFile } from '../places/open-file.js'
import { refuseSplit } from '../rows.js'
import { kindsOf, type PairKeys, ShardPairs } from '../shards/pairs.js'
import { indexOf } from '../shards/read-index.js'
import { namesShards, shardPaths } from '../shards/shard-paths.js'
import { ShardRecords } from '../shards/shard-records.js'
import type { SourceKind } from '../source-kind.js'

/** Shards that are opened side by side. */
const AT_ONCE = 8

export const webdataset: SourceKind = {
  takes: 'tar shards (a path, a pattern such as a-{000..009}.tar, a text file of paths, a folder or a URL)',
  fits: namesShards,
  async open(candidate, options) {
    const { path } = candidate
    refuseSplit(path, options.split, 'shards')
    const open = limited(AT_ONCE, (shard: string) => openShard(shard, options))
    const shards = await Promise.all((await shardPaths(candidate)).map((shard) => open(shard)))
    const records = new ShardRecords(shards, options.captionKey)
    if (records.size === 0) throw nothingIn(path, shards, options)
    const hash = createHash('sha256')
    for (const { digest } of shards) hash.update(digest)
    const sha256 = hash.digest('hex')
    const identity = async () => sha256
    return new IndexedSource({ path, format: 'webdataset', protocol: 'any', records, identity, notes: notesOf(shards) })
  },
}

type Opened = Awaited<ReturnType<typeof openShard>>

async function openShard(path: string, keys: PairKeys) {
  const file = await openFile(path)
  const { index, digest } = await indexOf(file)
  return { file, digest, pairs: new ShardPairs(index, keys) }
}

function nothingIn(path: string, shards: readonly Opened[], keys: PairKeys): ClipwrightError {
  const kinds = kindsOf(keys)
  const found = [...new Set(shards.flatMap(({ pairs }) => pairs.index.arrays.extensions))]
  const members = shards.reduce((sum, { pairs }) => sum + pairs.index.size, 0)
  const example = shards.map(({ pairs }) => pairs.index).find((index) => index.size > 0)
  const got =
    example === undefined
      ? 'no member with an ending'
      : `${members} samples of ${some(found.map((name) => `"${name}"`))} (the first has the key ${JSON.stringify(example.key(0))})`
  const nested = found.includes('tar') ? ' It holds archives: unpack it, and name those.' : ''
  const expected = `a picture (${some(kinds.images.map((name) => `"${name}"`))}) and a caption (${some(kinds.captions.map((name) => `"${name}"`))})`
  const message = `${path} has no pair: expected members of one key with ${expected}, got ${got}; name others with imageKey and captionKey (--image-key, --caption-key).${nested}`
  return new ClipwrightError('ERR_DATA', message)
}

function notesOf(shards: readonly Opened[]): string[] {
  const notes: string[] = []
  const odd = shards.filter(({ pairs }) => pairs.size < pairs.index.size)
  if (odd.length > 0) {
    const sum = (of: 'picture' | 'caption' | 'both') => odd.reduce((n, { pairs }) => n + pairs.lacking[of], 0)
    const { file, pairs } = odd[0]!
    notes.push(
      `${sum('picture') + sum('caption') + sum('both')} samples of the shards are no pairs and were left out: ${sum('caption')} have no caption, ${sum('picture')} no picture, ${sum('both')} neither; the first is ${pairs.lacking.first} of ${file.path}.`,
    )
  }
  const endless = shards.filter(({ pairs }) => !pairs.index.arrays.ended).map(({ file }) => file.path)
  if (endless.length > 0)
    notes.push(
      `${some(endless)} ${endless.length === 1 ? 'has' : 'have'} no end mark, as tar writes one: there may have been more in it.`,
    )
  return notes
}
