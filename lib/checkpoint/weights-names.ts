/** What weights are called in a folder. */
import type { FolderFormat } from './layouts/layout.js'
import { FOLDERS } from './layouts/table.js'

/**
 * The likeliest first: the names of the folder's own format, of each format safetensors before what PyTorch pickles.
 * @param format of the folder, where it is known
 */
export function weightsNames(format: FolderFormat | undefined): string[] {
  const safeFirst = (names: readonly string[]) => [
    ...names.filter((name) => name.includes('.safetensors')),
    ...names.filter((name) => !name.includes('.safetensors')),
  ]
  const others = FOLDERS.filter((other) => other !== format).flatMap(({ weights }) => weights)
  return [...safeFirst(format?.weights ?? []), ...safeFirst(others)]
}
