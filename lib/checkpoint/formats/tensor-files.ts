/** Opens files of tensors by what is in them; a name decides only where that says nothing. */
import { extname } from 'node:path'
import { ClipwrightError } from '../../base/errors.js'
import { FIRST_BYTES, refuseOthers, tensorFormat } from './content.js'
import { openTorchFile } from './pickle/torch-file.js'
import { openSafetensors, type StoredTensors } from './safetensors/safetensors.js'
import { withScales } from './scaled.js'
import { INDEX_SUFFIX, openSharded } from './sharded.js'
import { unwrapped } from './unwrap.js'
import { type FileFormat, WeightFile } from './weight-file.js'

const SUFFIXES: Readonly<Record<string, FileFormat>> = {
  '.safetensors': 'safetensors',
  '.pt': 'PyTorch',
  '.pth': 'PyTorch',
  '.bin': 'PyTorch',
}

/**
 * A model's tensors, under the names that they have without wrappers around the model.
 * @param path of a file of tensors, or of the index of several
 * @param key which entry of it holds the weights, or what their names begin with
 * @throws ClipwrightError ERR_UNSUPPORTED when neither the file's first bytes nor its name say that it holds tensors,
 *   ERR_FORMAT for what is plainly something else, as `openSafetensors`, `openTorchFile`, `openSharded` and `unwrapped`
 */
export async function openTensors(path: string, key?: string): Promise<StoredTensors> {
  const format = path.endsWith(INDEX_SUFFIX) ? 'index' : await formatOf(path)
  const tensors = format === 'index' ? await openSharded(path, openShard) : await open(path, format, key)
  try {
    // An entry of a pickle was taken when it was read.
    return withScales(unwrapped(tensors, format === 'PyTorch' ? undefined : key))
  } catch (error) {
    await tensors.close()
    throw error
  }
}

function open(path: string, format: FileFormat, key?: string): Promise<StoredTensors> {
  return format === 'PyTorch' ? openTorchFile(path, key) : openSafetensors(path)
}

async function openShard(path: string): Promise<StoredTensors> {
  return open(path, await formatOf(path))
}

async function formatOf(path: string): Promise<FileFormat> {
  const suffix = Object.keys(SUFFIXES).find((suffix) => path.toLowerCase().endsWith(suffix))
  const named = suffix === undefined ? undefined : SUFFIXES[suffix]
  const file = await WeightFile.open(path, named ?? 'safetensors')
  try {
    const first = Buffer.alloc(Math.min(file.size, FIRST_BYTES))
    await file.read(first, 0)
    const found = tensorFormat(first)
    if (found === undefined) refuseOthers(path, first)
    if (found ?? named) return (found ?? named)!
    throw new ClipwrightError(
      'ERR_UNSUPPORTED',
      `${path}: loading a file of type "${extname(path)}" is not supported yet; supported: safetensors and what PyTorch saves, mostly as ${Object.keys(SUFFIXES).join(', ')}.`,
    )
  } finally {
    await file.close()
  }
}
