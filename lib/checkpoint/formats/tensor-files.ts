/** Opens files of tensors by what their names end in. */
import { openTorchFile } from './pickle/torch-file.js'
import { openSafetensors, type StoredTensors } from './safetensors/safetensors.js'
import { INDEX_SUFFIX, openSharded } from './sharded.js'
import { unwrapped } from './unwrap.js'

type Open = (path: string, key?: string) => Promise<StoredTensors>

const OPENERS: Readonly<Record<string, Open>> = {
  '.safetensors': (path) => openSafetensors(path),
  '.pt': openTorchFile,
  '.pth': openTorchFile,
  '.bin': openTorchFile,
}

export const TENSOR_SUFFIXES = Object.keys(OPENERS)

/** Whether the name is that of a file of tensors, or of the index of several. */
export function isTensorFile(path: string): boolean {
  return openerOf(path) !== undefined
}

/**
 * A model's tensors, under the names that they have without wrappers around the model.
 * @param path of a file of tensors, or of the index of several
 * @param key which entry of it holds the weights, or what their names begin with
 * @throws ClipwrightError as `openSafetensors`, `openTorchFile`, `openSharded` and `unwrapped`
 */
export async function openTensors(path: string, key?: string): Promise<StoredTensors> {
  const open = openerOf(path) ?? openSafetensors
  const isIndex = path.endsWith(INDEX_SUFFIX)
  const tensors = isIndex ? await openSharded(path, open) : await open(path, key)
  try {
    // An entry of a pickle was taken when it was read.
    return unwrapped(tensors, open === openTorchFile && !isIndex ? undefined : key)
  } catch (error) {
    await tensors.close()
    throw error
  }
}

function openerOf(path: string): Open | undefined {
  const name = path.endsWith(INDEX_SUFFIX) ? path.slice(0, -INDEX_SUFFIX.length) : path
  const suffix = TENSOR_SUFFIXES.find((suffix) => name.endsWith(suffix))
  return suffix === undefined ? undefined : OPENERS[suffix]
}
