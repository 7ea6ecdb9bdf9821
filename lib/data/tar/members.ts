/** The files in a tar archive: where each lies, found by reading headers alone. */
import { BLOCK, isZero, NoHeader, parseHeader, parsePax } from './header.js'

export type Member = {
  name: string
  /** Where its bytes begin in the archive, and how many they are. */
  offset: number
  size: number
  /** Whether holes of it were left out, so that what lies there is not the file. */
  sparse: boolean
}

/** What is wrong with an archive. */
export type TarFault = {
  kind: 'not-tar' | 'damaged' | 'truncated'
  /** Where, in bytes. */
  at: number
  /** What was the matter there: half a sentence. */
  what: string
}

/** Bytes that are wanted next: at least `length` of them, or all that there are; more save further asking. */
export type Wanted = { offset: number; length: number }

/** A pax record or a long name of more is an attack. */
const LONGEST_RECORD = 1 << 20

/**
 * Walks an archive of `size` bytes. What it yields is answered with bytes from that offset on; reading is thus the caller's,
 * who may do it at once or by and by.
 * @param found is told of every regular file, in order
 * @returns what ended the walk: nothing for an archive with its two empty blocks, 'no-end' where the file just stops between
 *   two members, as Python's tarfile accepts, or the fault
 */
export function* walkTar(
  size: number,
  found: (member: Member) => void,
): Generator<Wanted, TarFault | 'no-end' | undefined, Buffer> {
  let bytes: Buffer = Buffer.alloc(0)
  let start = 0
  let global = new Map<string, string>()
  let own: Map<string, string> | undefined
  let longName: string | undefined
  let at = 0
  /** These bytes, or what there is of them. */
  function* take(offset: number, length: number): Generator<Wanted, Buffer, Buffer> {
    if (offset < start || offset + length > start + bytes.length) {
      bytes = yield { offset, length }
      start = offset
    }
    return bytes.subarray(offset - start, offset - start + length)
  }
  while (at + BLOCK <= size) {
    const block = yield* take(at, BLOCK)
    if (block.length < BLOCK) return { kind: 'truncated', at: at + block.length, what: 'a header is cut off' }
    if (isZero(block)) return undefined
    let data = at + BLOCK
    try {
      const header = parseHeader(block)
      const { type } = header
      if ('xgLK'.includes(type)) {
        if (header.size > LONGEST_RECORD) throw new NoHeader(`it describes itself in ${header.size} bytes`)
        if (data + header.size > size) return cut(data, header.size, size, header.name)
        const record = yield* take(data, header.size)
        if (record.length < header.size) return cut(data, header.size, data + record.length, header.name)
        if (type === 'x') own = parsePax(record)
        else if (type === 'g') global = new Map([...global, ...parsePax(record)])
        else if (type === 'L') longName = record.toString('utf8', 0, endOf(record))
        at = data + padded(header.size)
        continue
      }
      const pax = (key: string) => own?.get(key) ?? global.get(key)
      const stated = pax('size')
      const length = stated === undefined ? header.size : Number(stated)
      if (!Number.isSafeInteger(length) || length < 0) throw new NoHeader('its pax size is no number')
      const name = pax('GNU.sparse.name') ?? pax('path') ?? longName ?? header.name
      const sparse = type === 'S' || pax('GNU.sparse.major') !== undefined || pax('GNU.sparse.map') !== undefined
      // Links, folders and devices have no bytes of their own, whatever their size says.
      // GNU's old sparse files have maps of their holes before their bytes.
      for (let more = type === 'S' && block[482] !== 0; more; data += BLOCK) {
        const map = yield* take(data, BLOCK)
        more = map.length === BLOCK && map[504] !== 0
      }
      const hasBytes = !'123456'.includes(type)
      if (hasBytes && data + length > size) return cut(data, length, size, name)
      if ((type === '0' || type === '7' || type === 'S') && !name.endsWith('/'))
        found({ name, offset: data, size: length, sparse })
      own = undefined
      longName = undefined
      at = data + (hasBytes ? padded(length) : 0)
    } catch (error) {
      if (!(error instanceof NoHeader)) throw error
      return { kind: at === 0 ? 'not-tar' : 'damaged', at, what: `the header there is none: ${error.message}` }
    }
  }
  if (size === 0) return { kind: 'not-tar', at: 0, what: 'it is empty' }
  if (at < size && at + BLOCK > size) {
    return { kind: at === 0 ? 'not-tar' : 'truncated', at: size, what: 'its last block is cut off' }
  }
  return own || longName !== undefined ? { kind: 'truncated', at: size, what: 'a long name has no file' } : 'no-end'
}

function cut(data: number, length: number, size: number, name: string): TarFault {
  return { kind: 'truncated', at: size, what: `${JSON.stringify(name)} should end at byte ${data + length}` }
}

function padded(size: number): number {
  return Math.ceil(size / BLOCK) * BLOCK
}

function endOf(record: Buffer): number {
  const zero = record.indexOf(0)
  return zero < 0 ? record.length : zero
}
