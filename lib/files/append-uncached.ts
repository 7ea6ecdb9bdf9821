/**
 * Appending much to an open file past the page cache (O_DIRECT). A large file that nobody reads soon is not worth what the
 * system's copy of it costs: time of a processor, and the place of other files' pages.
 */
import { constants } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { type Append, type ByteWatcher, CHUNK_BYTES, writeAll } from './append-bytes.js'
import { isFileSystemError } from './atomic-write.js'

/** What addresses, lengths and positions of such writes are multiples of: no disk asks for more than a page. */
const PAGE_BYTES = 4096
const WASM_PAGE_BYTES = 65536

/** Which the types of Node.js leave to browsers' types. */
declare const WebAssembly: { Memory: new (o: { initial: number }) => { readonly buffer: ArrayBuffer } }

/** How the second handle is made. */
const openDirect = (path: string) => open(path, constants.O_WRONLY | constants.O_DIRECT)

/**
 * Fills an empty file. Where its file system knows nothing but the page cache, it goes through that.
 * @param handle open for writing; whoever gave it flushes and closes it
 * @param path of the same file
 * @param fill appends what goes in
 * @param watcher sees the bytes while they are written
 * @throws what writing and `fill` throw
 */
export async function appendUncached(
  handle: FileHandle,
  path: string,
  fill: (append: Append) => Promise<void>,
  watcher?: ByteWatcher,
  openIt = openDirect,
): Promise<void> {
  const writer = new UncachedWriter(handle, await openIt(path).catch(() => undefined), watcher)
  try {
    await fill((bytes) => writer.append(bytes))
    await writer.end()
  } finally {
    await writer.close()
  }
}

/** Bytes are gathered in one half of a little memory while the other half is written. */
class UncachedWriter {
  readonly #handle: FileHandle
  /** Undefined where the file system refuses. */
  #direct: FileHandle | undefined
  readonly #watcher: ByteWatcher | undefined
  readonly #halves = pageAligned(2 * CHUNK_BYTES)
  #half = 0
  /** Of the half that is being filled. */
  #filled = 0
  /** Of the file, without that half. */
  #position = 0
  #writing: Promise<void> = Promise.resolve()

  constructor(handle: FileHandle, direct: FileHandle | undefined, watcher: ByteWatcher | undefined) {
    this.#handle = handle
    this.#direct = direct
    this.#watcher = watcher
  }

  get #memory(): Uint8Array {
    return this.#halves.subarray(this.#half * CHUNK_BYTES, (this.#half + 1) * CHUNK_BYTES)
  }

  async append(bytes: Uint8Array): Promise<void> {
    for (let done = 0; done < bytes.length; ) {
      const taken = bytes.subarray(done, done + CHUNK_BYTES - this.#filled)
      this.#memory.set(taken, this.#filled)
      this.#filled += taken.length
      done += taken.length
      if (this.#filled === CHUNK_BYTES) await this.#send()
    }
  }

  async end(): Promise<void> {
    await this.#send()
    await this.#writing
  }

  async close(): Promise<void> {
    // The memory is the system's until then.
    await this.#writing.catch(() => {})
    await this.#direct?.close()
  }

  /** Begins to write what was gathered once the half before is written. */
  async #send(): Promise<void> {
    const bytes = this.#memory.subarray(0, this.#filled)
    await this.#writing
    this.#writing = this.#write(bytes, this.#position)
    this.#writing.catch(() => {}) // reported by whoever waits for it
    this.#watcher?.update(bytes)
    this.#position += bytes.length
    this.#half = 1 - this.#half
    this.#filled = 0
  }

  async #write(bytes: Uint8Array, position: number): Promise<void> {
    const whole = bytes.length - (bytes.length % PAGE_BYTES)
    const done = whole > 0 && this.#direct ? await this.#writeDirect(this.#direct, bytes, whole, position) : 0
    await writeAll(this.#handle, bytes.subarray(done), position + done)
  }

  /** @returns how many it took, which may be any number */
  async #writeDirect(direct: FileHandle, bytes: Uint8Array, length: number, position: number): Promise<number> {
    try {
      return (await direct.write(bytes, 0, length, position)).bytesWritten
    } catch (error) {
      if (!isFileSystemError(error) || !REFUSALS.has(error.code)) throw error
      this.#direct = undefined
      await direct.close()
      return 0
    }
  }
}

/** What a file system says that opens files so, but does not write them so, or not at such multiples. */
const REFUSALS = new Set(['EINVAL', 'ENOTSUP', 'EOPNOTSUPP'])

/** Memory that begins where a page of the system's does, which no other memory of JavaScript's is known to. */
function pageAligned(bytes: number): Uint8Array {
  try {
    return new Uint8Array(new WebAssembly.Memory({ initial: bytes / WASM_PAGE_BYTES }).buffer)
  } catch {
    // It takes gigabytes of addresses, which a process may not be allowed. Of other memory the file system refuses to write.
    return new Uint8Array(bytes)
  }
}
