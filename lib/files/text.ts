/** Files of text that users name. */
import { isUtf8 } from 'node:buffer'
import { ClipwrightError } from '../base/errors.js'
import { readWhole } from './read-whole.js'
import { requireRegularFile } from './regular-file.js'

/**
 * The whole text of a file in UTF-8.
 * @param describe what to say of a failure, from its reason and whether there is no such file
 * @param orPipe whether a pipe will do, as `/dev/stdin` may be one; it is waited for
 * @throws ClipwrightError ERR_NOT_FOUND when there is none, ERR_IO when it cannot be read, ERR_FORMAT when its bytes are
 *   another encoding's, which would otherwise be read as other characters
 */
export async function readTextFile(
  path: string | URL,
  describe: (reason: string, missing: boolean) => string,
  { orPipe = false } = {},
): Promise<string> {
  let bytes: Buffer
  try {
    if (!orPipe) await requireRegularFile(path)
    bytes = await readWhole(path)
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException
    const missing = code === 'ENOENT'
    throw new ClipwrightError(
      missing ? 'ERR_NOT_FOUND' : 'ERR_IO',
      describe(missing ? 'there is no such file; check the path' : message, missing),
      { cause },
    )
  }
  if (!isUtf8(bytes)) {
    const reason = `it is not UTF-8; convert it, for instance with iconv -f ${likelyEncoding(bytes)} -t UTF-8`
    throw new ClipwrightError('ERR_FORMAT', describe(reason, false))
  }
  try {
    return bytes.toString('utf8')
  } catch (cause) {
    throw new ClipwrightError('ERR_IO', describe((cause as Error).message, false), { cause })
  }
}

/** By the byte order mark of UTF-16, which spreadsheets call Unicode; otherwise what Chinese captions come in. */
function likelyEncoding(bytes: Buffer): string {
  const mark = bytes.subarray(0, 2).toString('hex')
  return mark === 'fffe' || mark === 'feff' ? 'UTF-16' : 'GB18030'
}
