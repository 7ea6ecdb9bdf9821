/** The one door to files that are read in pieces, wherever they lie. */
import type { ByteFile } from './byte-file.js'
import { openLocal } from './local-file.js'

const REMOTE = /^(https?|s3):\/\//i

/** Whether a path is an address of another machine. */
export function isRemote(path: string): boolean {
  return REMOTE.test(path)
}

/** @throws ClipwrightError ERR_NOT_FOUND, ERR_IO */
export async function openFile(path: string): Promise<ByteFile> {
  return openLocal(path)
}
