/** A read may bring less than it was asked for. */
import type { FileHandle } from 'node:fs/promises'

/** @throws Error when the file ends before */
export async function readExactly(file: FileHandle, offset: number, length: number): Promise<Buffer> {
  const bytes = Buffer.allocUnsafe(length)
  for (let at = 0; at < length; ) {
    const { bytesRead } = await file.read(bytes, at, length - at, offset + at)
    if (bytesRead === 0) throw new Error(`the file ended at byte ${offset + at}, before what was looked for did`)
    at += bytesRead
  }
  return bytes
}
