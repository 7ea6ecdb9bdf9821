/** Where a picture comes from: checked at the door, read later. */
import { open, readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { isArray, requireArray } from '../base/arrays.js'
import { ClipwrightError, invalid } from '../base/errors.js'
import { show } from '../base/options.js'
import type { ImageSource } from '../base/types.js'
import { requireRegularFile } from '../files/regular-file.js'
import { withPatience } from '../files/shortage.js'

/** What is read after the caller has gone on: a path, an entry of a larger file, or encoded bytes of our own. */
export type KeptSource = string | Buffer

/** A picture in base64 inside a file of many, as a string that goes wherever a path goes. */
export function entryOf(path: string, id: string, offset: number, length: number): string {
  return `${path}#base64/${id}@${offset}+${length}`
}

const ENTRY = /^(.*)#base64\/.*@(\d+)\+(\d+)$/s

/**
 * The source, safe from later changes: encoded bytes are copied, as every array that is handed in.
 * @param where names the value in messages: `images[3]`
 * @throws ClipwrightError ERR_INVALID_ARGUMENT for anything but a path, a file: URL or encoded bytes
 */
export function keepSource(source: ImageSource, where: string): KeptSource {
  if (isArray(source, 'Uint8Array')) return Buffer.from(requireArray(source, 'Uint8Array', source.length, where))
  if (typeof source === 'string') return source
  if (source instanceof URL) return pathOf(source, where)
  throw invalid(`${where}: expected a path, a file: URL or a Buffer with an encoded picture, got ${show(source)}`)
}

function pathOf(url: URL, where: string): string {
  if (url.protocol !== 'file:') {
    throw invalid(`${where}: expected a file: URL, got ${url.href}; fetch it first and pass its bytes`)
  }
  try {
    return fileURLToPath(url)
  } catch {
    throw invalid(`${where}: expected a file: URL of this machine, got ${url.href}`)
  }
}

/** How a source is called in messages. */
export function nameOf(source: KeptSource): string {
  return typeof source === 'string' ? source : `a buffer of ${source.length} bytes`
}

/**
 * @throws ClipwrightError ERR_NOT_FOUND when the file is missing, ERR_IO when it cannot be read or is none, as a pipe, and
 *   for want of open files, ERR_OUT_OF_MEMORY
 */
export async function readSource(source: KeptSource): Promise<Buffer> {
  if (typeof source !== 'string') return source
  const entry = ENTRY.exec(source)
  try {
    return await withPatience(`reading ${source}`, async () => {
      await requireRegularFile(entry ? entry[1]! : source)
      return entry ? readEntry(entry[1]!, Number(entry[2]), Number(entry[3])) : readFile(source)
    })
  } catch (cause) {
    if (cause instanceof ClipwrightError) throw cause
    const { code, message } = cause as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ENOTDIR')
      throw new ClipwrightError('ERR_NOT_FOUND', `expected a picture at ${source}, but there is no such file`, {
        cause,
      })
    throw new ClipwrightError('ERR_IO', `could not read ${source}: ${message}`, { cause })
  }
}

async function readEntry(path: string, offset: number, length: number): Promise<Buffer> {
  const file = await open(path)
  try {
    const text = Buffer.alloc(length)
    const { bytesRead } = await file.read(text, 0, length, offset)
    return Buffer.from(text.toString('latin1', 0, bytesRead), 'base64')
  } finally {
    await file.close()
  }
}
