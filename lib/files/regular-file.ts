/** Paths that must be files. */
import type { PathLike } from 'node:fs'
import { stat } from 'node:fs/promises'

/**
 * Refuses what is neither a file nor a folder: opening a pipe would wait for its writer without end. A folder passes,
 * because reading it fails by itself.
 * @throws an error as from the file system, whose own errors pass as they are
 */
export async function requireRegularFile(path: PathLike): Promise<void> {
  const found = await stat(path)
  if (found.isFile() || found.isDirectory()) return
  const kind = found.isFIFO() ? 'a pipe' : found.isSocket() ? 'a socket' : 'a device'
  throw Object.assign(new Error(`it is ${kind}, not a file`), { code: 'ENOTSUP', syscall: 'stat' })
}
