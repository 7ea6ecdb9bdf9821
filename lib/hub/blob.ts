/** One file from a hub to the disk: gone on with where it broke off, and kept only when its hash is right. */
import { createHash, type Hash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { type FileHandle, open, rename, rm, stat } from 'node:fs/promises'
import { ClipwrightError } from '../base/errors.js'
import { isMissing } from '../files/exists.js'
import type { HubClient } from './client.js'
import { Passing } from './failures.js'
import type { HubFile } from './listing.js'

export type Wanted = {
  url: string
  file: HubFile
  /** What it is called, for messages. */
  name: string
  /** Where it is kept. */
  blob: string
}

/** A write for each packet would take most of the time. */
const WRITTEN_AT_ONCE = 4 << 20

/** What is there of a file that is still to be had. Python's have other names: it may be at work on the same file. */
export function partOf(blob: string): string {
  return `${blob}.clipwright.incomplete`
}

/** Bytes that need not be fetched again. */
export async function bytesThere(blob: string): Promise<number> {
  return stat(partOf(blob)).then(
    ({ size }) => size,
    (error: unknown) => {
      if (!isMissing(error)) throw error
      return 0
    },
  )
}

/**
 * @param show is told how many bytes are there
 * @throws ClipwrightError ERR_FORMAT when what came is not what the hub lists, ERR_NOT_FOUND, ERR_IO
 */
export async function fetchBlob(client: HubClient, wanted: Wanted, show: (bytes: number) => void): Promise<void> {
  const { blob } = wanted
  const handle = await open(partOf(blob), 'a+')
  let settled = false
  try {
    const part = await Part.of(handle, wanted, show)
    const resumed = part.length > 0
    await fill(client, wanted, part)
    if (!part.isRight() && resumed) {
      // What an earlier process left may be at fault.
      await part.restart()
      await fill(client, wanted, part)
    }
    settled = true
    if (!part.isRight()) throw notAsListed(wanted, 'other bytes than it lists (their hash differs)')
    await handle.sync()
    await rename(partOf(blob), blob)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    const isFull = code === 'ENOSPC' || code === 'EDQUOT'
    // A part that cannot become the file would only take room.
    const isUseless = settled || isFull || code === 'ERR_FORMAT' || (await handle.stat()).size === 0
    if (isUseless) await rm(partOf(blob), { force: true })
    throw error
  } finally {
    await handle.close()
  }
}

/** Until all bytes are there. */
async function fill(client: HubClient, wanted: Wanted, part: Part): Promise<void> {
  let reached = part.length
  const { size } = wanted.file
  await client.patiently(
    async () => {
      if (part.length === size && size > 0) return
      const range: Record<string, string> = part.length > 0 ? { range: `bytes=${part.length}-` } : {}
      const { response, body, cancel } = await client.open(wanted.url, range, wanted.name)
      const begins = beginOf(response)
      if (part.length !== begins) await part.restart()
      if (begins !== 0 && part.length !== begins) {
        await cancel()
        throw new Passing(`${new URL(response.url).host} sends another part of ${wanted.name} than was asked for`)
      }
      try {
        for await (const bytes of body) {
          if (part.length + bytes.length > size) throw notAsListed(wanted, `more than the ${size} bytes that it lists`)
          await part.append(bytes)
          reached = Math.max(reached, part.length)
        }
      } finally {
        await part.flush()
      }
      if (part.length < size) {
        const host = new URL(response.url).host
        throw new Passing(`${host} ended ${wanted.name} after ${part.length} of ${size} bytes`)
      }
    },
    () => reached,
  )
}

/** Where the bytes of an answer belong; a server need not give parts. */
function beginOf({ status, headers }: Response): number | undefined {
  if (status === 416) return undefined
  if (status !== 206) return 0
  const begin = /^bytes (\d+)-/.exec(headers.get('content-range') ?? '')?.[1]
  return begin === undefined ? undefined : Number(begin)
}

function notAsListed({ name, url, file }: Wanted, what: string): ClipwrightError {
  const message = `${new URL(url).host} sent ${what} for ${name}, ${file.kind === 'git' ? 'git blob' : 'sha256'} ${file.hash}; nothing of it was kept, so try again, and look for a proxy in between if it stays.`
  return new ClipwrightError('ERR_FORMAT', message)
}

/** A growing file, with the hash of what is in it. */
class Part {
  /** With what is still to be written. */
  length = 0
  #pending: Uint8Array[] = []
  #pendingBytes = 0
  readonly #handle: FileHandle
  readonly #file: HubFile
  readonly #show: (bytes: number) => void
  #hash: Hash

  private constructor(handle: FileHandle, file: HubFile, show: (bytes: number) => void) {
    this.#handle = handle
    this.#file = file
    this.#show = show
    this.#hash = freshHash(file)
  }

  static async of(handle: FileHandle, { file, blob }: Wanted, show: (bytes: number) => void): Promise<Part> {
    const part = new Part(handle, file, show)
    if ((await handle.stat()).size > file.size) await handle.truncate(0)
    for await (const bytes of createReadStream(partOf(blob), { highWaterMark: 1 << 20 })) part.#count(bytes)
    return part
  }

  async append(bytes: Uint8Array): Promise<void> {
    this.#count(bytes)
    this.#pending.push(bytes)
    this.#pendingBytes += bytes.length
    if (this.#pendingBytes >= WRITTEN_AT_ONCE) await this.flush()
  }

  async flush(): Promise<void> {
    const bytes = Buffer.concat(this.#pending)
    this.#pending = []
    this.#pendingBytes = 0
    await this.#handle.appendFile(bytes)
  }

  async restart(): Promise<void> {
    await this.#handle.truncate(0)
    this.#hash = freshHash(this.#file)
    this.length = 0
    this.#show(0)
  }

  isRight(): boolean {
    return this.length === this.#file.size && this.#hash.copy().digest('hex') === this.#file.hash
  }

  #count(bytes: Uint8Array): void {
    this.#hash.update(bytes)
    this.length += bytes.length
    this.#show(this.length)
  }
}

/** Git puts a header before the bytes of a file. */
function freshHash({ kind, size }: HubFile): Hash {
  return kind === 'sha256' ? createHash('sha256') : createHash('sha1').update(`blob ${size}\0`)
}
