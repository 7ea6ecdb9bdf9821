/** A pack that is being written: aside, and under its name once it is whole. */
import { randomBytes } from 'node:crypto'
import { type FileHandle, open } from 'node:fs/promises'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import { writeAtomically } from '../atomic-write.js'
import { type PackEntry, packEnd } from './pack-format.js'

export const PACK_ENDING = '.pack'

export class PackWriter {
  readonly path: string
  readonly #maker: string
  readonly #entries: PackEntry[] = []
  readonly #adding = new Set<Promise<unknown>>()
  readonly #files: Promise<{ writing: FileHandle; reading: FileHandle }>
  readonly #written: Promise<void>
  #finish = () => {}
  /** Bytes of its blobs. */
  size = 0

  constructor(folder: string, maker: string) {
    this.path = join(folder, `${randomBytes(8).toString('hex')}${PACK_ENDING}`)
    this.#maker = maker
    const finished = new Promise<void>((resolve) => {
      this.#finish = resolve
    })
    let written: Promise<void> | undefined
    this.#files = new Promise((resolve, reject) => {
      written = writeAtomically(this.path, async (writing, aside) => {
        resolve({ writing, reading: await open(aside, 'r') })
        await finished
        const results = await Promise.allSettled(this.#adding)
        const bad = results.find((result) => result.status === 'rejected')
        if (bad) throw bad.reason
        await writing.write(packEnd({ maker: this.#maker, entries: this.#entries }), 0, undefined, this.size)
      })
      written.catch(reject)
    })
    this.#files.catch(() => {}) // whoever adds or finishes learns of it
    this.#written = written as unknown as Promise<void>
  }

  /** To read its blobs from, now and under its name; whoever asks closes it. @throws ClipwrightError ERR_IO */
  async reading(): Promise<FileHandle> {
    return (await this.#files).reading
  }

  /** @throws the file system's errors */
  async add(keys: readonly string[], bytes: Uint8Array, note: unknown): Promise<PackEntry> {
    const entry = { keys, offset: this.size, length: bytes.length, crc: crc32(bytes), note }
    this.size += bytes.length
    const adding = this.#put(bytes, entry.offset)
    this.#adding.add(adding) // one that fails stays, so that the pack does
    await adding
    this.#adding.delete(adding)
    this.#entries.push(entry)
    return entry
  }

  async #put(bytes: Uint8Array, offset: number): Promise<void> {
    const { writing } = await this.#files
    for (let at = 0; at < bytes.length; ) {
      const { bytesWritten } = await writing.write(bytes, at, bytes.length - at, offset + at)
      at += bytesWritten
    }
  }

  /** Puts it under its name, or away where one of its blobs could not be written. @throws ClipwrightError ERR_IO */
  async finish(): Promise<void> {
    this.#finish()
    await this.#written
  }
}
