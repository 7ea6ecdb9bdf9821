/** The files of a run that grow with it. */
import { type FileHandle, open } from 'node:fs/promises'
import { isFileSystemError, writeError } from './atomic-write.js'

/** A file that grows. Appending never waits; what comes while something is written goes out together. */
export class AppendFile {
  readonly #path: string
  readonly #handle: FileHandle
  #pending: (string | Uint8Array)[] = []
  #writing: Promise<void> = Promise.resolve()
  #bytes: number
  #failure: { error: unknown } | undefined

  private constructor(path: string, handle: FileHandle, bytes: number) {
    this.#path = path
    this.#handle = handle
    this.#bytes = bytes
  }

  /** @param length what stays of an earlier run */
  static async open(path: string, length = 0): Promise<AppendFile> {
    const handle = await open(path, 'a')
    const bytes = Math.min(length, (await handle.stat()).size)
    await handle.truncate(bytes)
    return new AppendFile(path, handle, bytes)
  }

  /** Nothing was ever appended. */
  get isEmpty(): boolean {
    return this.#bytes === 0 && this.#pending.length === 0
  }

  append(data: string | Uint8Array): void {
    this.#pending.push(data)
    if (this.#pending.length === 1) this.#writing = this.#writing.then(() => this.#write())
  }

  /** Waits until all is on the disk. @returns the file's length */
  async flush(): Promise<number> {
    await this.#writing
    if (this.#failure) throw this.#failure.error
    await fileSystem(this.#path, () => this.#handle.datasync())
    return this.#bytes
  }

  async close(): Promise<void> {
    await this.#writing
    await this.#handle.close()
    if (this.#failure) throw this.#failure.error
  }

  async #write(): Promise<void> {
    const data = Buffer.concat(this.#pending.map((part) => Buffer.from(part as Uint8Array)))
    this.#pending = []
    if (this.#failure) return
    try {
      await fileSystem(this.#path, () => this.#handle.appendFile(data))
      this.#bytes += data.length
    } catch (error) {
      this.#failure = { error }
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
