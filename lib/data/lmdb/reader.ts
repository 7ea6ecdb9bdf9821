/**
 * Reads LMDB environments as liblmdb 0.9 and Python's package write them (data format 1, pages of the writer's size, little
 * endian). The npm package `lmdb` is a fork whose format 2 opens none of these. Only looking up by key is here: it needs
 * pages of the tree and nothing of locks or transactions, for an environment that nobody writes to.
 * Source: https://github.com/LMDB/lmdb/blob/LMDB_0.9.31/libraries/liblmdb/mdb.c, MDB_page, MDB_node, MDB_db, MDB_meta.
 */
import { ClipwrightError } from '../../base/errors.js'
import type { ByteFile } from '../places/byte-file.js'

const MAGIC = 0xbeefc0de
const FORMAT = 1
const HEADER = 16
const NONE = 0xffff_ffff_ffff_ffffn
const BRANCH = 1
const LEAF = 2
const OVERFLOW = 4
/** Of a node: its value lies in pages of its own. */
const BIG = 1
const DEEPEST = 32
/** Pages that are kept: those near the root are asked for again and again. */
const KEPT_PAGES = 2048

type Tree = { root: number | undefined; entries: number }

export class LmdbReader {
  readonly entries: number
  readonly #file: ByteFile
  readonly #pageSize: number
  readonly #root: number | undefined
  readonly #pages = new Map<number, Promise<Buffer>>()

  private constructor(file: ByteFile, pageSize: number, { root, entries }: Tree) {
    this.#file = file
    this.#pageSize = pageSize
    this.#root = root
    this.entries = entries
  }

  /** @throws ClipwrightError ERR_FORMAT when it is no environment of this format, ERR_IO */
  static async open(file: ByteFile): Promise<LmdbReader> {
    const fail = (what: string): never => {
      throw new ClipwrightError('ERR_FORMAT', `${file.path} is no LMDB file that can be read: ${what}`)
    }
    const first = await file.read(0, 152)
    if (first.length < 152 || first.readUInt32LE(16) !== MAGIC) return fail('it does not begin as one')
    const version = first.readUInt32LE(20)
    if (version !== FORMAT)
      return fail(`its format is ${version}, and expected was ${FORMAT}, which liblmdb 0.9 and Python's lmdb write`)
    const pageSize = first.readUInt32LE(40)
    if (pageSize < 256 || pageSize > 65536 || (pageSize & (pageSize - 1)) !== 0)
      return fail(`its pages have ${pageSize} bytes`)
    const second = await file.read(pageSize, 152)
    // Two writers' ends alternate; the newer one counts.
    const isNewer =
      second.length === 152 &&
      second.readUInt32LE(16) === MAGIC &&
      second.readBigUInt64LE(144) > first.readBigUInt64LE(144)
    const meta = isNewer ? second : first
    const root = meta.readBigUInt64LE(88 + 40)
    const tree = { root: root === NONE ? undefined : Number(root), entries: Number(meta.readBigUInt64LE(88 + 32)) }
    return new LmdbReader(file, pageSize, tree)
  }

  /** The value of a key, or undefined. @throws ClipwrightError ERR_FORMAT when the file is damaged, ERR_IO */
  async get(key: string): Promise<Buffer | undefined> {
    const wanted = Buffer.from(key)
    let number = this.#root
    for (let depth = 0; number !== undefined && depth < DEEPEST; depth++) {
      const page = await this.#page(number)
      const flags = page.readUInt16LE(10)
      const count = (page.readUInt16LE(12) - HEADER) >> 1
      if (flags & LEAF) {
        const at = this.#lowest(page, count, wanted, 0)
        return at < count && compare(this.#key(page, at), wanted) === 0 ? this.#value(page, at) : undefined
      }
      if (!(flags & BRANCH) || count < 1) throw this.#damaged(`page ${number} is no part of a tree`)
      // The first key of a branch is lower than all, whatever it says.
      const at = this.#lowest(page, count, wanted, 1)
      const child = at < count && compare(this.#key(page, at), wanted) === 0 ? at : at - 1
      const node = this.#node(page, child)
      number = page.readUInt16LE(node) + page.readUInt16LE(node + 2) * 2 ** 16 + page.readUInt16LE(node + 4) * 2 ** 32
    }
    if (number === undefined) return undefined
    throw this.#damaged('its tree is deeper than any is')
  }

  /** The first entry from `from` on whose key is not below the wanted one. */
  #lowest(page: Buffer, count: number, wanted: Buffer, from: number): number {
    let [low, high] = [from, count]
    while (low < high) {
      const middle = (low + high) >> 1
      if (compare(this.#key(page, middle), wanted) < 0) low = middle + 1
      else high = middle
    }
    return low
  }

  #node(page: Buffer, i: number): number {
    const at = HEADER + 2 * i
    const node = at + 2 <= page.length ? page.readUInt16LE(at) : page.length
    if (node + 8 > page.length) throw this.#damaged('an entry lies outside its page')
    return node
  }

  #key(page: Buffer, i: number): Buffer {
    const node = this.#node(page, i)
    return page.subarray(node + 8, node + 8 + page.readUInt16LE(node + 6))
  }

  async #value(page: Buffer, i: number): Promise<Buffer> {
    const node = this.#node(page, i)
    const size = page.readUInt16LE(node) + page.readUInt16LE(node + 2) * 2 ** 16
    const start = node + 8 + page.readUInt16LE(node + 6)
    if (!(page.readUInt16LE(node + 4) & BIG)) {
      if (start + size > page.length) throw this.#damaged('a value lies outside its page')
      return page.subarray(start, start + size)
    }
    if (start + 8 > page.length) throw this.#damaged('a value lies outside its page')
    const offset = Number(page.readBigUInt64LE(start)) * this.#pageSize
    const bytes = offset + HEADER + size <= this.#file.size ? await this.#file.read(offset, HEADER + size) : undefined
    if (!bytes || bytes.length < HEADER + size || !(bytes.readUInt16LE(10) & OVERFLOW))
      throw this.#damaged('a value lies outside of it')
    return bytes.subarray(HEADER)
  }

  #page(number: number): Promise<Buffer> {
    const kept = this.#pages.get(number)
    if (kept) return kept
    const [oldest] = this.#pages.keys()
    if (this.#pages.size >= KEPT_PAGES && oldest !== undefined) this.#pages.delete(oldest)
    const page = this.#read(number)
    page.catch(() => this.#pages.delete(number))
    this.#pages.set(number, page)
    return page
  }

  async #read(number: number): Promise<Buffer> {
    const offset = number * this.#pageSize
    const page = offset + this.#pageSize <= this.#file.size ? await this.#file.read(offset, this.#pageSize) : undefined
    if (page?.length === this.#pageSize) return page
    throw this.#damaged(`it ends before its page ${number}`)
  }

  #damaged(what: string): ClipwrightError {
    return new ClipwrightError('ERR_FORMAT', `${this.#file.path} is damaged: ${what}; build it again`)
  }
}

function compare(a: Buffer, b: Buffer): number {
  return Buffer.compare(a, b)
}
