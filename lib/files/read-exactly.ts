/** A read may bring less than it was asked for. */
import type { FileHandle } from 'node:fs/promises'

/** Less than `length` where the file ends before. */
export async function readUpTo(file: FileHandle, offset: number, length: number): Promise<Buffer> {
  const bytes = Buffer.allocUnsafe(length)
  let at = 0
  while (at < length) {
    const { bytesRead } = await file.read(bytes, at, length - at, offset + at)
    if (bytesRead === 0) break
    at += bytesRead
  }
  return bytes.subarray(0, at)
}

/** @throws Error when the file ends before */
export async function readExactly(file: FileHandle, offset: number, length: number): Promise<Buffer> {
  const bytes = await readUpTo(file, offset, length)
  if (bytes.length === length) return bytes
  throw new Error(`the file ended at byte ${offset + bytes.length}, before what was looked for did`)
}
