/** The one door to files that are read in pieces, wherever they lie. */
import type { ByteFile } from './byte-file.js'
import { openHttp } from './http-file.js'
import { openLocal } from './local-file.js'
import { openS3 } from './s3-file.js'

const REMOTE = /^(https?|s3):\/\//i

/** Whether a path is an address of another machine. */
export function isRemote(path: string): boolean {
  return REMOTE.test(path)
}

/** @throws ClipwrightError ERR_NOT_FOUND, ERR_IO */
export async function openFile(path: string): Promise<ByteFile> {
  if (/^https?:/i.test(path)) return openHttp(path)
  if (/^s3:/i.test(path)) return openS3(path)
  return openLocal(path)
}
