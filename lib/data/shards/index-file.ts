/** Indices of shards as files: one line of JSON, then the arrays as they are in memory. */
import { createHash } from 'node:crypto'
import { mkdir } from 'node:fs/promises'
import { endianness } from 'node:os'
import { join, resolve } from 'node:path'
import { writeAtomically } from '../../files/atomic-write.js'
import { cacheFolder } from '../../files/cache-folder.js'
import { readWhole } from '../../files/read-whole.js'
import { type IndexArrays, ShardIndex } from './shard-index.js'

const MAGIC = `clipwright shard index 1 ${endianness()}`

const ARRAYS = [
  ['offset', Float64Array],
  ['size', Float64Array],
  ['first', Uint32Array],
  ['keyEnd', Uint32Array],
  ['kind', Uint16Array],
  ['keys', Uint8Array],
] as const

type Head = Pick<IndexArrays, 'extensions' | 'ended'> & {
  magic: string
  path: string
  tag: string
  digest: string
  lengths: Record<string, number>
}

export type Indexed = { index: ShardIndex; digest: string }

/** The index kept for a file with this tag, if there is one and it is whole. */
export async function readIndex(path: string, tag: string): Promise<Indexed | undefined> {
  const bytes = await readWhole(placeOf(path)).catch(() => undefined)
  const newline = bytes?.indexOf(10) ?? -1
  if (bytes === undefined || newline < 0) return undefined
  try {
    const head = JSON.parse(bytes.toString('utf8', 0, newline)) as Head
    if (head.magic !== MAGIC || head.tag !== tag) return undefined
    let at = newline + 1
    const arrays: Record<string, unknown> = { extensions: head.extensions, ended: head.ended }
    for (const [name, Type] of ARRAYS) {
      const length = head.lengths[name]! * Type.BYTES_PER_ELEMENT
      // A copy of its own: views of eight bytes must begin at a multiple of eight.
      const own = new Uint8Array(bytes.subarray(at, at + length)).buffer
      arrays[name] = name === 'keys' ? Buffer.from(own) : new Type(own)
      at += length
    }
    const index = new ShardIndex(arrays as IndexArrays)
    const digest = index.digest()
    return digest === head.digest && at === bytes.length ? { index, digest } : undefined
  } catch {
    return undefined // a damaged one is made anew
  }
}

/** Keeps an index. Without a place to keep it, it is made again next time. */
export async function writeIndex(path: string, tag: string, { index, digest }: Indexed): Promise<void> {
  const { extensions, ended, ...arrays } = index.arrays
  const lengths = Object.fromEntries(ARRAYS.map(([name]) => [name, arrays[name].length]))
  const head: Head = { magic: MAGIC, path, tag, digest, extensions, ended, lengths }
  const place = placeOf(path)
  try {
    await mkdir(join(place, '..'), { recursive: true })
    await writeAtomically(place, async (handle) => {
      await handle.writeFile(`${JSON.stringify(head)}\n`)
      for (const [name] of ARRAYS) {
        const { buffer, byteOffset, byteLength } = arrays[name]
        await handle.writeFile(new Uint8Array(buffer, byteOffset, byteLength))
      }
    })
  } catch {
    // A full or read-only disk costs time, not the run.
  }
}

function placeOf(path: string): string {
  const name = /^[a-z0-9]+:\/\//i.test(path) ? path : resolve(path)
  return join(cacheFolder(), 'shards', `${createHash('sha256').update(name).digest('hex').slice(0, 32)}.index`)
}
