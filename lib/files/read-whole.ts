/** A file's bytes to its end, however many a read brings. */
import { open } from 'node:fs/promises'

/** Beyond what the file had when it was opened. */
const MORE = 1 << 16
/** What one read may ask for. */
const MOST = 1 << 30

/**
 * `readFile` of Node.js takes a read that brings less than it was asked for, as network file systems may, for the file's end and
 * gives back a part of it. A pipe is waited for.
 * @throws what the file system refuses
 */
export async function readWhole(path: string | URL): Promise<Buffer> {
  const file = await open(path)
  try {
    const { size } = await file.stat()
    const parts: Buffer[] = []
    // One byte more shows the end of a file that has not grown.
    let part = Buffer.allocUnsafe(size + 1)
    for (let at = 0; ; ) {
      const { bytesRead } = await file.read(part, at, Math.min(part.length - at, MOST), null)
      at += bytesRead
      if (bytesRead > 0 && at < part.length) continue
      parts.push(part.subarray(0, at))
      if (bytesRead === 0) break
      part = Buffer.allocUnsafe(MORE)
      at = 0
    }
    return parts.length === 1 ? parts[0]! : Buffer.concat(parts)
  } finally {
    await file.close()
  }
}

/** The same as text in UTF-8. @throws as `readWhole` */
export async function readWholeText(path: string | URL): Promise<string> {
  return (await readWhole(path)).toString('utf8')
}
