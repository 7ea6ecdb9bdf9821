/** A file on this machine, or in a folder that it shares. */
import { closeSync, openSync, readSync } from 'node:fs'
import { open, stat } from 'node:fs/promises'
import { ClipwrightError } from '../../base/errors.js'
import { shorten } from '../../base/shorten.js'
import { isMissing } from '../../files/exists.js'
import { readExactly } from '../../files/read-exactly.js'
import { withPatience } from '../../files/shortage.js'
import type { ByteFile } from './byte-file.js'

const STRIDE = 8 << 10

/** @throws ClipwrightError ERR_NOT_FOUND, ERR_IO */
export async function openLocal(path: string): Promise<ByteFile> {
  const { size, mtimeMs } = await examine(path)
  let descriptor: number | undefined
  return {
    path,
    size,
    tag: `${size} ${mtimeMs}`,
    stride: STRIDE,
    read: (offset, length) => readAt(path, offset, length, size),
    readNow(offset, length) {
      descriptor ??= openSync(path, 'r')
      const bytes = Buffer.allocUnsafe(Math.max(0, Math.min(length, size - offset)))
      let done = 0
      while (done < bytes.length) {
        const read = readSync(descriptor, bytes, done, bytes.length - done, offset + done)
        if (read === 0) break
        done += read
      }
      return bytes.subarray(0, done)
    },
    close() {
      if (descriptor !== undefined) closeSync(descriptor)
      descriptor = undefined
    },
  }
}

async function examine(path: string): Promise<{ size: number; mtimeMs: number }> {
  try {
    const found = await stat(path)
    if (!found.isFile()) throw new Error(found.isDirectory() ? 'it is a folder' : 'it is a pipe or a device')
    return found
  } catch (cause) {
    if (isMissing(cause)) throw new ClipwrightError('ERR_NOT_FOUND', `expected a file at ${path}, but there is none`)
    throw new ClipwrightError('ERR_IO', `could not read ${path}: ${shorten((cause as Error).message)}`, { cause })
  }
}

/** The file may have been replaced since it was opened: another size tells. */
async function readAt(path: string, offset: number, length: number, size: number): Promise<Buffer> {
  try {
    return await withPatience(`reading ${path}`, async () => {
      const file = await open(path)
      try {
        return await readExactly(file, offset, Math.max(0, Math.min(length, size - offset)))
      } finally {
        await file.close()
      }
    })
  } catch (cause) {
    if (cause instanceof ClipwrightError) throw cause
    if (isMissing(cause)) throw new ClipwrightError('ERR_NOT_FOUND', `${path} was there and is not any more`, { cause })
    throw new ClipwrightError('ERR_IO', `could not read ${path}: ${shorten((cause as Error).message)}`, { cause })
  }
}
