/** Features as files of a folder: one line of JSON, then the keys, then the rows as they are in memory. */
import { createHash } from 'node:crypto'
import { type FileHandle, mkdir, open, readdir, rm, stat, utimes } from 'node:fs/promises'
import { endianness } from 'node:os'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { writeAtomically } from '../../files/atomic-write.js'
import { readExactly } from '../../files/read-exactly.js'
import { type FeatureRows, KEY_BYTES } from './feature-rows.js'

const MAGIC = `clipwright features 1 ${endianness()}`
const SUFFIX = '.features'
/** A head is shorter. */
const HEAD_BYTES = 2 ** 16
/** Of all features in a folder: above it those that were not used for longest go. */
const FOLDER_BYTES = 2 ** 33
/** Rows read at once. */
const AT_ONCE = 4096

type Head = { magic: string; identity: string; count: number; dim: number; digest: string }

/** What was found: nothing, features of this identity, or something that is made anew, with the reason. */
export type Found = { kept: number; rebuilt?: string }

export class FeatureFile {
  readonly path: string
  readonly #folder: string
  readonly #kind: string
  readonly #identity: string
  readonly #room: number

  /**
   * @param kind what they are features of, a part of the file's name
   * @param identity of all that decides what they are, but the thing itself: features of another one lie in another file
   * @param room bytes that all features in the folder may take
   */
  constructor(folder: string, kind: string, identity: string, room = FOLDER_BYTES) {
    this.#room = room
    this.#folder = folder
    this.#kind = kind
    this.#identity = identity
    const name = createHash('sha256').update(identity).digest('hex').slice(0, 16)
    this.path = join(folder, `${kind}-${name}${SUFFIX}`)
  }

  /** Adds what the file has to `rows`. A file that cannot be used is as none, and `rebuilt` says why. */
  async read(rows: FeatureRows): Promise<Found> {
    const handle = await open(this.path).catch(() => undefined)
    if (!handle) {
      const others = (await this.#others()).length > 0
      const rebuilt = `${this.#folder} has features of another model or preprocessing`
      return { kept: 0, ...(others && { rebuilt }) }
    }
    try {
      await this.#readFrom(handle, rows)
      const now = new Date()
      await utimes(this.path, now, now).catch(() => {}) // it is in use
      return { kept: rows.count }
    } catch (error) {
      return { kept: 0, rebuilt: `${this.path} is damaged (${(error as Error).message})` }
    } finally {
      await handle.close()
    }
  }

  /** In two passes, so that nothing of a damaged file is taken. */
  async #readFrom(handle: FileHandle, rows: FeatureRows): Promise<void> {
    const { size } = await handle.stat()
    const beginning = await readExactly(handle, 0, Math.min(size, HEAD_BYTES))
    const newline = beginning.indexOf(10)
    if (newline < 0) throw new Error('it has no head')
    const { magic, identity, count, dim, digest } = JSON.parse(beginning.toString('utf8', 0, newline)) as Head
    if (magic !== MAGIC || identity !== this.#identity || dim !== rows.dim) throw new Error('it is of something else')
    const keysAt = newline + 1
    const rowsAt = keysAt + count * KEY_BYTES
    if (size !== rowsAt + count * dim * 4)
      throw new Error(`it has ${size} bytes and should have ${rowsAt + count * dim * 4}`)
    const hash = createHash('sha256')
    const keys = await readExactly(handle, keysAt, count * KEY_BYTES)
    hash.update(keys)
    const each = async (use: (bytes: Buffer, first: number) => void) => {
      for (let first = 0; first < count; first += AT_ONCE) {
        const n = Math.min(AT_ONCE, count - first)
        use(await readExactly(handle, rowsAt + first * dim * 4, n * dim * 4), first)
      }
    }
    await each((bytes) => hash.update(bytes))
    if (hash.digest('hex') !== digest) throw new Error('its checksum is wrong')
    await each((bytes, first) => {
      // A copy of its own: floats must begin at a multiple of four.
      const values = new Float32Array(new Uint8Array(bytes).buffer)
      for (let i = 0; i < values.length / dim; i++) {
        const at = (first + i) * KEY_BYTES
        rows.add(keys.toString('latin1', at, at + KEY_BYTES), values.subarray(i * dim, (i + 1) * dim))
      }
    })
  }

  /** Writes all rows that there are now aside and renames them. @throws ClipwrightError ERR_IO; errors of the file system */
  async write(rows: FeatureRows): Promise<void> {
    const keys = Buffer.from([...rows.keys()].join(''), 'latin1')
    const { dim, count } = rows
    const hash = createHash('sha256').update(keys)
    for (const piece of rows.pieces(count)) {
      hash.update(bytesOf(piece))
      await setImmediate() // rows below `count` stay as they are
    }
    const head: Head = { magic: MAGIC, identity: this.#identity, count, dim, digest: hash.digest('hex') }
    await mkdir(this.#folder, { recursive: true })
    await writeAtomically(this.path, async (handle) => {
      await handle.writeFile(`${JSON.stringify(head)}\n`)
      await handle.writeFile(keys)
      for (const piece of rows.pieces(count)) await handle.writeFile(bytesOf(piece))
    })
    await this.#makeRoom()
  }

  /** Removes features of others that were not used for longest, until the folder is small enough. */
  async #makeRoom(): Promise<void> {
    const own = await stat(this.path)
    let bytes = own.size
    for (const { path, size } of (await this.#others('')).sort((a, b) => b.mtimeMs - a.mtimeMs)) {
      bytes += size
      if (bytes > this.#room) await rm(path, { force: true })
    }
  }

  /** Files of features beside this one, by default of the same kind. */
  async #others(kind = `${this.#kind}-`): Promise<{ path: string; size: number; mtimeMs: number }[]> {
    const names = await readdir(this.#folder).catch(() => [])
    const paths = names
      .filter((name) => name.startsWith(kind) && name.endsWith(SUFFIX))
      .map((name) => join(this.#folder, name))
      .filter((path) => path !== this.path)
    const found = await Promise.all(paths.map((path) => stat(path).catch(() => undefined)))
    return found.flatMap((at, i) => (at?.isFile() ? [{ path: paths[i]!, size: at.size, mtimeMs: at.mtimeMs }] : []))
  }
}

function bytesOf({ buffer, byteOffset, byteLength }: Float32Array): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength)
}
