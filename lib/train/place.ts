/** Where a run's folder is: it may be moved or deleted while the run goes on. */
import { type FileHandle, open, readlink, stat } from 'node:fs/promises'

/** The folder is no longer where the run was told to be. `to`: where it is now, unless it is gone. */
export class Displaced extends Error {
  readonly to: string | undefined

  constructor(from: string, to: string | undefined) {
    super(
      `the run's folder ${from} was ${to === undefined ? 'deleted, or moved to where it cannot be found,' : `moved to ${to}`} while the run went on`,
    )
    this.to = to
  }
}

export class Place {
  #path: string
  readonly #handle: FileHandle
  readonly #identity: string

  private constructor(path: string, handle: FileHandle, identity: string) {
    this.#path = path
    this.#handle = handle
    this.#identity = identity
  }

  static async of(path: string): Promise<Place> {
    const handle = await open(path, 'r')
    const { dev, ino } = await handle.stat()
    return new Place(path, handle, `${dev} ${ino}`)
  }

  get path(): string {
    return this.#path
  }

  /** @throws Displaced, once for each move; of a folder that is gone each time */
  async require(): Promise<void> {
    if ((await identityOf(this.#path)) === this.#identity) return
    const from = this.#path
    const to = await this.#find()
    if (to !== undefined) this.#path = to
    throw new Displaced(from, to)
  }

  async close(): Promise<void> {
    await this.#handle.close()
  }

  /** By the open folder, of which Linux knows the path. */
  async #find(): Promise<string | undefined> {
    const path = await readlink(`/proc/self/fd/${this.#handle.fd}`).catch(() => undefined)
    return path !== undefined && (await identityOf(path)) === this.#identity ? path : undefined
  }
}

async function identityOf(path: string): Promise<string | undefined> {
  return stat(path).then(
    ({ dev, ino }) => `${dev} ${ino}`,
    () => undefined,
  )
}
