/** A shard's index: the one that was kept, or a new one from its headers. */
import { ClipwrightError } from '../../base/errors.js'
import type { ByteFile } from '../places/byte-file.js'
import { type TarFault, walkTar } from '../tar/members.js'
import { type Indexed, readIndex, writeIndex } from './index-file.js'
import { IndexBuilder } from './shard-index.js'

/** What reading may take of the event loop at once. */
const SLICE_MS = 10
/** Read at once where members are small and headers lie close together. */
const LARGEST_STRIDE = 1 << 20

/** @throws ClipwrightError ERR_FORMAT for what is no tar, damaged or cut short; ERR_IO, ERR_NOT_FOUND */
export async function indexOf(file: ByteFile): Promise<Indexed> {
  const kept = await readIndex(file.path, file.tag)
  if (kept) return kept
  const index = await fromHeaders(file)
  const made = { index, digest: index.digest() }
  await writeIndex(file.path, file.tag, made)
  return made
}

async function fromHeaders(file: ByteFile) {
  const { path, size } = file
  const builder = new IndexBuilder()
  const walk = walkTar(size, (member) => builder.add(member))
  let stride = file.stride
  let end = 0
  let since = performance.now()
  try {
    let step = walk.next()
    while (!step.done) {
      const { offset, length } = step.value
      stride = offset - end < stride ? Math.min(2 * stride, LARGEST_STRIDE) : file.stride
      const wanted = Math.max(length, stride)
      const bytes = file.readNow ? file.readNow(offset, wanted) : await file.read(offset, wanted)
      end = offset + bytes.length
      step = walk.next(bytes)
      if (performance.now() - since > SLICE_MS) {
        await new Promise((resolve) => setImmediate(resolve))
        since = performance.now()
      }
    }
    const ending = step.value
    if (typeof ending === 'object') throw faulty(path, ending, await file.read(0, 8))
    return builder.finish(ending === undefined)
  } catch (cause) {
    if (cause instanceof ClipwrightError) throw cause
    throw new ClipwrightError('ERR_IO', `could not read ${path}: ${(cause as Error).message}`, { cause })
  } finally {
    file.close?.()
  }
}

/** What archives are packed with, by their first bytes. */
const PACKED: readonly [name: string, magic: string][] = [
  ['gzip', '\x1f\x8b'],
  ['zstd', '\x28\xb5\x2f\xfd'],
  ['xz', '\xfd7zXZ'],
  ['bzip2', 'BZh'],
]

function faulty(path: string, { kind, at, what }: TarFault, head: Buffer): ClipwrightError {
  if (kind === 'truncated') {
    const message = `${path} is cut short: it ends at byte ${at}, but ${what}; fetch it again, or leave it out`
    return new ClipwrightError('ERR_FORMAT', message)
  }
  if (kind === 'damaged') {
    const message = `${path} is damaged at byte ${at}: ${what}; fetch it again, or leave it out`
    return new ClipwrightError('ERR_FORMAT', message)
  }
  const begins = head.toString('latin1')
  const packing = PACKED.find(([, magic]) => begins.startsWith(magic))?.[0]
  if (packing) {
    const message = `${path} is packed with ${packing}, in which no member can be found by its place; unpack it to a plain .tar first`
    return new ClipwrightError('ERR_FORMAT', message)
  }
  const other = begins.startsWith('PK') ? 'it is a zip archive' : what
  return new ClipwrightError('ERR_FORMAT', `${path} is no tar archive: ${other}`)
}
