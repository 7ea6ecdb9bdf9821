/** Files of embeddings: a tensor `embeddings` [count, dim], with the rows' `ids` in the metadata as JSON. */
import { access } from 'node:fs/promises'
import { dirname } from 'node:path'
import { ClipwrightError } from '../base/errors.js'
import type { Tensor } from '../base/types.js'
import { openSafetensors, writeSafetensors } from '../checkpoint/formats/safetensors/safetensors.js'
import { isFileSystemError, writeError } from '../files/atomic-write.js'
import { exists } from '../files/exists.js'

/**
 * Whether embeddings may be written there: nothing lies there yet, or older embeddings do. To be asked before the work,
 * so that nobody waits for what cannot be kept.
 * @throws ClipwrightError ERR_INVALID_ARGUMENT when something else lies there, ERR_IO when its folder is missing
 */
export async function requireRoomForEmbeddings(path: string): Promise<void> {
  try {
    await access(dirname(path))
    if (!(await exists(path)) || (await holdsEmbeddings(path))) return
  } catch (error) {
    throw isFileSystemError(error) ? writeError(path, error) : error
  }
  throw new ClipwrightError(
    'ERR_INVALID_ARGUMENT',
    `${path} is there already and is no file of embeddings, the only kind that is replaced; choose another path, or remove it first.`,
  )
}

/** @throws as {@link requireRoomForEmbeddings} */
export async function writeEmbeddings(
  path: string,
  embeddings: Tensor,
  ids: readonly (string | number)[],
): Promise<void> {
  await requireRoomForEmbeddings(path) // something else may have come while they were made
  await writeSafetensors(path, { embeddings }, { metadata: { ids: JSON.stringify(ids) } })
}

async function holdsEmbeddings(path: string): Promise<boolean> {
  const file = await openSafetensors(path).catch((error: unknown) => {
    // A folder, a pipe and whatever cannot be read is no such file, either.
    if (error instanceof ClipwrightError) return undefined
    throw error
  })
  if (!file) return false
  const { entries, metadata } = file
  await file.close()
  return entries.size === 1 && entries.get('embeddings')?.shape.length === 2 && metadata.ids !== undefined
}
