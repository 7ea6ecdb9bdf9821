/** Which shards a path means: one, a pattern of braces, a text file of them, or a folder. */
import { dirname, isAbsolute, join, resolve } from 'node:path'
import { expand } from 'brace-expansion'
import { ClipwrightError } from '../../base/errors.js'
import type { Candidate } from '../candidate.js'
import { isRemote } from '../places/open-file.js'

const TAR = /\.tar$/i
/** As users may name them by mistake: they are opened, and refused by what is in them. */
const SHARD = /\.(tar|tar\.gz|tgz|tar\.zst|tar\.xz|tar\.bz2)([?#].*)?$/i
const LIST = /\.(txt|list)$/i
/** More than any data set has; a pattern of more is a slip. */
const MOST = 100_000

export async function namesShards(candidate: Candidate): Promise<boolean> {
  const { path, isFolder } = candidate
  if (isFolder) return (await candidate.names()).some((name) => TAR.test(name))
  if (SHARD.test(path)) return true
  if (!LIST.test(path) || isRemote(path)) return false
  const [first = ''] = (await candidate.firstLines(20)).filter((line) => !line.startsWith('#'))
  return SHARD.test(first)
}

/** @throws ClipwrightError ERR_DATA when a shard is named twice */
export async function shardPaths(candidate: Candidate): Promise<string[]> {
  const { path } = candidate
  const paths = await named(candidate)
  const seen = new Set<string>()
  for (const one of paths) {
    const place = isRemote(one) ? one : resolve(one)
    if (seen.has(place))
      throw new ClipwrightError(
        'ERR_DATA',
        `${path} names the shard ${one} twice, so that its pairs would count double; remove one of them, or give the data a weight`,
      )
    seen.add(place)
  }
  return paths
}

async function named(candidate: Candidate): Promise<string[]> {
  const { path, isFolder } = candidate
  if (isFolder) return (await candidate.names()).filter((name) => TAR.test(name)).map((name) => join(path, name))
  if (SHARD.test(path)) return expanded(path)
  const folder = dirname(resolve(path))
  const lines = (await candidate.text()).split('\n').map((line) => line.trim())
  return lines
    .filter((line) => line !== '' && !line.startsWith('#'))
    .flatMap(expanded)
    .map((line) => (isRemote(line) || isAbsolute(line) ? line : join(folder, line)))
}

function expanded(pattern: string): string[] {
  const paths = expand(pattern, { max: MOST + 1, maxLength: 1 << 28 })
  if (paths.length <= MOST) return paths
  throw new ClipwrightError('ERR_DATA', `${pattern} stands for more than ${MOST} shards; check its braces`)
}
