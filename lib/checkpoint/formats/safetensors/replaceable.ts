/** Whether a safetensors file may take the place of what lies there: of its own kind alone. */
import { access } from 'node:fs/promises'
import { dirname } from 'node:path'
import { ClipwrightError } from '../../../base/errors.js'
import { isFileSystemError, writeError } from '../../../files/atomic-write.js'
import { exists } from '../../../files/exists.js'
import { openSafetensors, type SafetensorsFile } from './reader.js'

/** Files that a writer may replace. */
export type OwnKind = {
  /** What they are: `file of embeddings`. */
  what: string
  /** By what a file's header says. */
  is(file: Pick<SafetensorsFile, 'entries' | 'metadata'>): boolean
}

/**
 * To be asked before the work, so that nobody waits for what cannot be kept, and again before it is written.
 * @throws ClipwrightError ERR_INVALID_ARGUMENT when something else lies there, ERR_IO when its folder is missing
 */
export async function requireReplaceable(path: string, { what, is }: OwnKind): Promise<void> {
  try {
    await access(dirname(path))
    if (!(await exists(path)) || (await holds(path, is))) return
  } catch (error) {
    throw isFileSystemError(error) ? writeError(path, error) : error
  }
  throw new ClipwrightError(
    'ERR_INVALID_ARGUMENT',
    `${path} is there already and is no ${what}, the only kind that is replaced; choose another path, or remove it first.`,
  )
}

async function holds(path: string, is: OwnKind['is']): Promise<boolean> {
  const file = await openSafetensors(path).catch((error: unknown) => {
    // A folder, a pipe and whatever cannot be read is no such file, either.
    if (error instanceof ClipwrightError) return undefined
    throw error
  })
  if (!file) return false
  await file.close()
  return is(file)
}
