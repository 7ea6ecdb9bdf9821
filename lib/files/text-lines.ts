/** Files of one text a line. */
import { ClipwrightError } from '../base/errors.js'
import { readTextFile } from './text.js'

/**
 * Lines that are not empty, with their numbers from 1. The file may be a pipe.
 * @throws ClipwrightError ERR_NOT_FOUND, ERR_IO, ERR_FORMAT when it is not UTF-8, ERR_DATA when there is no text in it
 */
export async function readTextLines(path: string): Promise<{ lines: string[]; numbers: number[] }> {
  const text = await readTextFile(path, (reason) => `could not read the texts ${path}: ${reason}.`, { orPipe: true })
  const numbered = text
    .split(/\r?\n/)
    .map((line, i) => ({ line, number: i + 1 }))
    .filter(({ line }) => line.trim() !== '')
  if (numbered.length === 0) throw new ClipwrightError('ERR_DATA', `${path} holds no text; it needs one a line.`)
  return { lines: numbered.map((n) => n.line), numbers: numbered.map((n) => n.number) }
}
