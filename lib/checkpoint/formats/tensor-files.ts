/** Opens files of tensors by what their names end in. */
import { openTorchFile } from './pickle/torch-file.js'
import { openSafetensors, type StoredTensors } from './safetensors/safetensors.js'
import { INDEX_SUFFIX, openSharded } from './sharded.js'

const OPENERS: Readonly<Record<string, (path: string) => Promise<StoredTensors>>> = {
  '.safetensors': openSafetensors,
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
 * @param path of a file of tensors, or of the index of several
 * @throws ClipwrightError as `openSafetensors`, `openTorchFile` and `openSharded`
 */
export async function openTensors(path: string): Promise<StoredTensors> {
  const open = openerOf(path) ?? openSafetensors
  return path.endsWith(INDEX_SUFFIX) ? openSharded(path, open) : open(path)
}

function openerOf(path: string): ((path: string) => Promise<StoredTensors>) | undefined {
  const name = path.endsWith(INDEX_SUFFIX) ? path.slice(0, -INDEX_SUFFIX.length) : path
  const suffix = TENSOR_SUFFIXES.find((suffix) => name.endsWith(suffix))
  return suffix === undefined ? undefined : OPENERS[suffix]
}
