/**
 * Blobs by key in a folder that any number of runs and processes share: a cache. What a process adds lies in packs of its own,
 * which others see once they are whole. Nothing here fails whoever uses it: what cannot be kept or read is not there.
 */
import { type FileHandle, mkdir, open, readdir, rm, stat, utimes } from 'node:fs/promises'
import { join } from 'node:path'
import { type PackEntry, readPackIndex } from './pack-format.js'
import { PACK_ENDING, PackWriter } from './pack-writer.js'

export type PacksOptions = {
  /** What makes the blobs what they are; packs of another maker are removed. */
  maker: string
  /** Bytes that the folder may take. */
  limit: number
  /** Fills `into` from a place in a file. @returns its CRC-32. @throws where the file ends before */
  read: (file: FileHandle, offset: number, into: Uint8Array) => Promise<number>
  /** Is told, once each, what a user should know: sentences. */
  say: (message: string) => void
}

/** A blob's place. */
export type Found = { entry: PackEntry; pack: Pack }

type Pack = { path: string; file: FileHandle; bytes: number; used: boolean }

/** Bytes of a pack: what a crash may lose, and what is removed at once. */
const PACK_BYTES = 256 * 2 ** 20
/** How long packs and unfinished ones are left alone that nobody seems to use. */
const DAY_MS = 86_400_000
/** How often others' new packs are looked for. */
const LOOK_MS = 10_000

export class Packs {
  readonly #folder: string
  readonly #options: PacksOptions
  readonly #packs = new Map<string, Pack>()
  readonly #found = new Map<string, Found>()
  readonly #said = new Set<string>()
  #writing: { writer: PackWriter; pack: Pack } | undefined
  #beginning: Promise<void> | undefined
  #looked = 0
  #looking: Promise<void> | undefined
  #closed = false
  /** Nothing is added any more. */
  #full = false
  /** Because the disk did not take it. */
  #broken = false

  private constructor(folder: string, options: PacksOptions) {
    this.#folder = folder
    this.#options = options
  }

  static async open(folder: string, options: PacksOptions): Promise<Packs> {
    const packs = new Packs(folder, options)
    try {
      await mkdir(folder, { recursive: true })
    } catch (error) {
      packs.#stop(
        'closed',
        `${folder} cannot be used as a cache (${(error as Error).message}); the run goes on without it.`,
      )
      return packs
    }
    await packs.#look()
    return packs
  }

  /** How many blobs can be found. */
  get size(): number {
    return new Set([...this.#found.values()].map(({ entry }) => entry)).size
  }

  /** Whether nothing is added any more. */
  get isFull(): boolean {
    return this.#full
  }

  find(key: string): Found | undefined {
    const found = this.#found.get(key)
    if (!found && !this.#looking && Date.now() - this.#looked > LOOK_MS) void this.#look()
    return found
  }

  /** Lets a blob be found by another key, too, until the process ends. */
  alias(key: string, found: Found): void {
    this.#found.set(key, found)
  }

  /** @returns whether `into` has it now; what is damaged is forgotten */
  async read({ entry, pack }: Found, into: Uint8Array): Promise<boolean> {
    try {
      if (into.length === entry.length && (await this.#options.read(pack.file, entry.offset, into)) === entry.crc) {
        if (!pack.used) {
          pack.used = true
          const now = new Date()
          await utimes(pack.path, now, now).catch(() => {})
        }
        return true
      }
    } catch {
      // As damaged.
    }
    this.#say('damaged', `${pack.path} is damaged; what of it cannot be read is made again.`)
    for (const [key, found] of this.#found) if (found.entry === entry) this.#found.delete(key)
    return false
  }

  /** Keeps a blob under all of these keys, while there is room; `bytes` must not change until then. */
  async add(keys: readonly string[], bytes: Uint8Array, note: unknown): Promise<void> {
    if (this.#full || this.#closed) return
    try {
      await this.#makeRoom(bytes.length)
      if (this.#full) return
      if (!this.#writing) {
        this.#beginning ??= this.#begin()
        await this.#beginning
      }
      if (!this.#writing) return // it ended meanwhile
      const { writer, pack } = this.#writing
      const entry = await writer.add(keys, bytes, note)
      pack.bytes = writer.size
      for (const key of keys) this.#found.set(key, { entry, pack })
      if (writer.size >= PACK_BYTES) await this.#finish()
    } catch (error) {
      await this.#giveUp(error)
    }
  }

  /** Puts what was added in its place. */
  async close(): Promise<void> {
    this.#closed = true
    await this.#looking
    await this.#finish().catch((error) => this.#giveUp(error))
    for (const { file } of this.#packs.values()) await file.close().catch(() => {})
    this.#packs.clear()
    this.#found.clear()
  }

  async #begin(): Promise<void> {
    const writer = new PackWriter(this.#folder, this.#options.maker)
    this.#writing = { writer, pack: { path: writer.path, file: await writer.reading(), bytes: 0, used: true } }
  }

  async #finish(): Promise<void> {
    const writing = this.#writing
    if (!writing) return
    this.#writing = this.#beginning = undefined
    this.#packs.set(writing.pack.path, writing.pack)
    await writing.writer.finish()
  }

  /** Nothing is lost by a disk that is full: what is not kept is made again. */
  async #giveUp(error: unknown): Promise<void> {
    if (this.#broken) return
    const writing = this.#writing
    this.#writing = this.#beginning = undefined
    this.#broken = this.#full = true
    let reason = error
    if (writing) {
      for (const [key, { pack }] of this.#found) if (pack === writing.pack) this.#found.delete(key)
      await writing.writer.finish().catch((told) => {
        reason = told // by the name of the pack
      })
      await writing.pack.file.close().catch(() => {})
    }
    this.#stop('disk', `${(reason as Error).message} The run goes on without keeping more.`)
  }

  /** Removes packs that nobody has used for a day, the oldest first, where there is no room. */
  async #makeRoom(bytes: number): Promise<void> {
    const taken = () =>
      [...this.#packs.values()].reduce((sum, pack) => sum + pack.bytes, this.#writing?.pack.bytes ?? 0)
    if (taken() + bytes <= this.#options.limit) return
    const old: { pack: Pack; since: number }[] = []
    for (const pack of this.#packs.values()) {
      const { mtimeMs } = await stat(pack.path).catch(() => ({ mtimeMs: 0 }))
      if (!pack.used && Date.now() - mtimeMs > DAY_MS) old.push({ pack, since: mtimeMs })
    }
    old.sort((a, b) => a.since - b.since)
    for (const { pack } of old) {
      if (taken() + bytes <= this.#options.limit) return
      await this.#remove(pack)
    }
    if (taken() + bytes > this.#options.limit)
      this.#stop(
        'full',
        `the cache ${this.#folder} has reached its limit of ${(this.#options.limit / 2 ** 30).toFixed(1)} GiB; what is beyond it is made each time.`,
      )
  }

  async #remove(pack: Pack): Promise<void> {
    this.#packs.delete(pack.path)
    for (const [key, found] of this.#found) if (found.pack === pack) this.#found.delete(key)
    await pack.file.close().catch(() => {})
    await rm(pack.path, { force: true }).catch(() => {})
  }

  /** Takes in what lies in the folder now. */
  #look(): Promise<void> {
    this.#looking ??= this.#takeIn().finally(() => {
      this.#looked = Date.now()
      this.#looking = undefined
    })
    return this.#looking
  }

  async #takeIn(): Promise<void> {
    const names = await readdir(this.#folder).catch(() => [])
    for (const name of names) {
      const path = join(this.#folder, name)
      if (name.endsWith(`${PACK_ENDING}`) && !this.#packs.has(path) && this.#writing?.writer.path !== path)
        await this.#openPack(path)
      else if (/^\..*\.pack\.[0-9a-f]{12}\.tmp$/.test(name)) await removeLeft(path)
    }
  }

  async #openPack(path: string): Promise<void> {
    const file = await open(path, 'r').catch(() => undefined)
    if (!file) return // removed meanwhile
    const index = await readPackIndex(file).catch(() => undefined)
    if (this.#closed) return void (await file.close())
    const pack = { path, file, bytes: (await file.stat()).size, used: false }
    if (index?.maker === this.#options.maker) {
      this.#packs.set(path, pack)
      for (const entry of index.entries) for (const key of entry.keys) this.#found.set(key, { entry, pack })
      return
    }
    const why = index ? `was made by another version (${index.maker})` : 'is damaged'
    this.#say('other', `${path} ${why}; it is removed, and what it held is made again.`)
    await this.#remove(pack)
  }

  #stop(what: string, message: string): void {
    this.#full = true
    this.#say(what, message)
  }

  #say(what: string, message: string): void {
    if (this.#said.has(what)) return
    this.#said.add(what)
    this.#options.say(message)
  }
}

/** What a process left that was ended. */
async function removeLeft(path: string): Promise<void> {
  const { mtimeMs } = await stat(path).catch(() => ({ mtimeMs: Number.NaN }))
  if (Date.now() - mtimeMs > DAY_MS) await rm(path, { force: true }).catch(() => {})
}
