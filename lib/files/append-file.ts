/** The files of a run that grow with it. */
import { type FileHandle, open } from 'node:fs/promises'
import { isFileSystemError, writeError } from './atomic-write.js'

/** How long after a failure the disk is asked again, unless something is appended or flushed before. */
const RETRY_MS = 5_000

/**
 * A file that grows. Appending never waits; what comes while something is written goes out together. What the disk does
 * not take stays pending and is tried again, in order, until the file is closed.
 */
export class AppendFile {
  readonly #path: string
  readonly #handle: FileHandle
  readonly #onFailure: (error: unknown) => void
  #pending: Buffer[] = []
  #writing: Promise<void> | undefined
  #retry: NodeJS.Timeout | undefined
  /** What is surely in the file. */
  #bytes: number
  #failure: { error: unknown } | undefined

  private constructor(path: string, handle: FileHandle, bytes: number, onFailure: (error: unknown) => void) {
    this.#path = path
    this.#handle = handle
    this.#bytes = bytes
    this.#onFailure = onFailure
  }

  /**
   * @param length what stays of an earlier run
   * @param onFailure is told at once when the disk takes no more, and not again before it took all that was pending
   */
  static async open(path: string, length = 0, onFailure: (error: unknown) => void = () => {}): Promise<AppendFile> {
    const handle = await open(path, 'a')
    try {
      const bytes = Math.min(length, (await handle.stat()).size)
      await handle.truncate(bytes)
      return new AppendFile(path, handle, bytes, onFailure)
    } catch (error) {
      await handle.close()
      throw error
    }
  }

  /** Nothing was ever appended. */
  get isEmpty(): boolean {
    return this.#bytes === 0 && this.#pending.length === 0
  }

  /** With what is pending. */
  get length(): number {
    return this.#pending.reduce((sum, { length }) => sum + length, this.#bytes)
  }

  append(data: string | Uint8Array): void {
    this.#pending.push(Buffer.from(data as Uint8Array))
    this.#start()
  }

  /**
   * Asks the disk to take all that is pending, and to keep it. Does not throw: what is written besides must not be lost
   * for a log.
   * @returns the length of the file once all of it is there
   */
  async flush(): Promise<number> {
    this.#start()
    while (this.#writing) await this.#writing
    if (!this.#failure) await this.#try(() => this.#handle.datasync())
    return this.length
  }

  /** @throws ClipwrightError ERR_IO when something could not be written to the last */
  async close(): Promise<void> {
    this.#start()
    while (this.#writing) await this.#writing
    clearTimeout(this.#retry)
    await this.#handle.close()
    if (this.#failure && this.#pending.length > 0) throw this.#failure.error
  }

  #start(): void {
    if (this.#writing || this.#pending.length === 0) return
    clearTimeout(this.#retry)
    this.#writing = this.#write().finally(() => {
      this.#writing = undefined
      if (!this.#failure) return this.#start()
      this.#retry = setTimeout(() => this.#start(), RETRY_MS)
      this.#retry.unref()
    })
  }

  async #write(): Promise<void> {
    // What comes while this is written is not part of it.
    await undefined
    const parts = this.#pending.length
    const data = Buffer.concat(this.#pending)
    await this.#try(async () => {
      // A write that failed may have left a part of itself.
      if (this.#failure) await this.#handle.truncate(this.#bytes)
      await this.#handle.appendFile(data)
      this.#bytes += data.length
      this.#pending.splice(0, parts)
      this.#failure = undefined
    })
    if (this.#failure) await this.#handle.truncate(this.#bytes).catch(() => {})
  }

  async #try(work: () => Promise<void>): Promise<void> {
    try {
      await fileSystem(this.#path, work)
    } catch (error) {
      const isNew = !this.#failure
      this.#failure = { error }
      if (isNew) this.#onFailure(error)
    }
  }
}

/** @throws ClipwrightError ERR_IO for what the file system refuses */
export async function fileSystem<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw isFileSystemError(error) ? writeError(path, error) : error
  }
}
