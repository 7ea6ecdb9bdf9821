/** Where a picture comes from: checked at the door, read later. */

import { open } from 'node:fs/promises'
import { isSize, requireArray } from '../base/arrays.js'
import { isArray, isUrl } from '../base/brands.js'
import { ClipwrightError, invalid } from '../base/errors.js'
import { show } from '../base/options.js'
import { shorten } from '../base/shorten.js'
import type { ImageSource } from '../base/types.js'
import { isMissing } from '../files/exists.js'
import { pathOfUrl } from '../files/file-url.js'
import { readExactly, readUpTo } from '../files/read-exactly.js'
import { readWhole } from '../files/read-whole.js'
import { requireRegularFile } from '../files/regular-file.js'
import { withPatience } from '../files/shortage.js'

/** A picture inside a larger file. */
export type FileEntry = {
  path: string
  /** What the file calls it, for messages. */
  id: string
  /** Where it begins and how long it is there, in bytes. */
  offset: number
  length: number
  /** How its bytes are written there. */
  encoding: 'raw' | 'base64'
}

/** A picture that something else than the file system hands out: a store, a database, a block that was read already. */
export type StoredPicture = {
  /** What holds it, and what it is called there, for messages; both together are its identity. */
  path: string
  id: string
  /** @throws ClipwrightError */
  read(): Promise<Buffer>
}

/** What is read after the caller has gone on: a plain path, an entry of a larger file or store, or encoded bytes in memory. */
export type ImageAddress = string | FileEntry | StoredPicture | Buffer

/**
 * The address of a source, safe from later changes: encoded bytes are copied, as every array that is handed in.
 * @param where names the value in messages: `images[3]`
 * @throws ClipwrightError ERR_INVALID_ARGUMENT for anything but a path, a file: URL, encoded bytes or an entry
 */
export function addressOf(source: ImageSource | ImageAddress, where: string): ImageAddress {
  if (isArray(source, 'Uint8Array')) return Buffer.from(requireArray(source, 'Uint8Array', source.length, where))
  if (typeof source === 'string') {
    const advice = remoteAdvice(source)
    if (advice !== undefined)
      throw invalid(`${where}: expected a path, a file: URL or a Buffer with an encoded picture, ${advice}`)
    return source
  }
  if (isUrl(source)) return pathOfUrl(source, where)
  if (isFileEntry(source) || isStored(source)) return { ...source }
  throw invalid(`${where}: expected a path, a file: URL or a Buffer with an encoded picture, got ${show(source)}`)
}

function isStored(source: unknown): source is StoredPicture {
  const { path, id, read } = Object(source) as Partial<StoredPicture>
  return typeof path === 'string' && typeof id === 'string' && typeof read === 'function'
}

function isFileEntry(source: unknown): source is FileEntry {
  const { path, id, offset, length, encoding } = Object(source) as Partial<FileEntry>
  return (
    typeof path === 'string' &&
    typeof id === 'string' &&
    isSize(offset) &&
    isSize(length) &&
    (encoding === 'raw' || encoding === 'base64')
  )
}

/** What to do instead of handing over text that is no path but a URL, seen by its scheme. */
export function remoteAdvice(text: string): string | undefined {
  const [, scheme] = /^(data(?=:[^,]{0,200},)|(?:https?|ftps?|s3|gs|file)(?=:\/\/)):/i.exec(text) ?? []
  if (scheme === undefined) return undefined
  const remedies: Record<string, string> = {
    data: "decode it and pass its bytes, as Buffer.from(base64, 'base64')",
    file: 'pass it as new URL(…), or as a path',
  }
  const remedy = remedies[scheme.toLowerCase()] ?? 'fetch it first and pass its bytes, or save it to a file'
  return `got the ${scheme.toLowerCase()}: URL ${shorten(JSON.stringify(text))}; ${remedy}`
}

/** How an address is called in messages and lists. */
export function nameOf(address: ImageAddress): string {
  if (typeof address === 'string') return shorten(address)
  return 'path' in address ? shorten(`picture ${address.id} of ${address.path}`) : `a buffer of ${address.length} bytes`
}

/**
 * The encoded picture.
 * @throws ClipwrightError ERR_NOT_FOUND when the file is missing, ERR_IO when it cannot be read, is none, as a pipe, or
 *   ends before the entry does
 */
export async function readAddress(address: ImageAddress): Promise<Buffer> {
  if (Buffer.isBuffer(address)) return address
  if (typeof address === 'object' && 'read' in address) return address.read()
  return reading(address, () => (typeof address === 'string' ? readWhole(address) : readEntry(address)))
}

/** Of base64 a part that is read must be whole groups of four characters. */
const BEGINNING = 1024

/** The first 768 bytes of the encoded picture or more, without the others. @throws as `readAddress` */
export async function readBeginning(address: ImageAddress): Promise<Buffer> {
  if (Buffer.isBuffer(address)) return address.subarray(0, BEGINNING)
  if (typeof address === 'object' && 'read' in address) return (await address.read()).subarray(0, BEGINNING)
  if (typeof address !== 'string')
    return reading(address, () => readEntry(address, Math.min(address.length, BEGINNING)))
  return reading(address, async () => {
    const file = await open(address)
    try {
      return await readUpTo(file, 0, BEGINNING)
    } finally {
      await file.close()
    }
  })
}

async function reading(address: string | FileEntry, read: () => Promise<Buffer>): Promise<Buffer> {
  const name = nameOf(address)
  try {
    return await withPatience(`reading ${name}`, async () => {
      await requireRegularFile(typeof address === 'string' ? address : address.path)
      return read()
    })
  } catch (cause) {
    if (cause instanceof ClipwrightError) throw cause
    if (isMissing(cause))
      throw new ClipwrightError('ERR_NOT_FOUND', `expected a picture at ${name}, but there is no such file`, { cause })
    throw new ClipwrightError('ERR_IO', `could not read ${name}: ${shorten((cause as Error).message)}`, { cause })
  }
}

/** @param wanted how many of its bytes, from the first on */
async function readEntry({ path, offset, length, encoding }: FileEntry, wanted = length): Promise<Buffer> {
  const file = await open(path)
  try {
    const { size } = await file.stat()
    // Before memory is asked for: a length may come from anywhere.
    if (offset + length > size)
      throw new Error(
        `it should end at byte ${offset + length}, but the file has ${size}; it has changed since it was read`,
      )
    const bytes = await readExactly(file, offset, wanted)
    return encoding === 'raw' ? bytes : Buffer.from(bytes.toString('latin1'), 'base64')
  } finally {
    await file.close()
  }
}
