/** Writing weights with what describes them, in any of the layouts. */
import { extname } from 'node:path'
import { z } from 'zod'
import { ClipwrightError } from '../base/errors.js'
import { checkPath } from '../files/check-path.js'
import { replaceFolder } from '../files/replace-folder.js'
import { PRECISIONS, type Precision } from '../native/names.js'
import type { Dtype } from './formats/dtypes.js'
import { claimOf } from './layouts/claim.js'
import { LAYOUTS, type Layout } from './layouts/ids.js'
import type { SavedModel, TensorNames } from './layouts/layout.js'
import { writeWeights } from './layouts/open-clip/weights.js'
import { layoutOf } from './layouts/table.js'

/** How weights are written. */
export type SaveOptions = {
  /** Whose names the tensors have; 'open_clip' by default. */
  layout?: Layout
  /** What the weights are rounded to; 'fp32' by default, which keeps them exactly. */
  dtype?: Precision
}

export const SAVE_SHAPE = {
  layout: z.enum(LAYOUTS).default('open_clip'),
  dtype: z.enum(PRECISIONS).default('fp32'),
}

const DTYPES = { fp32: 'F32', fp16: 'F16', bf16: 'BF16' } as const satisfies Record<Precision, Dtype>

/** More files in the folder, written before it takes its place; the folder then is complete or not there. */
export type Besides = { files: readonly string[]; write: (folder: string) => Promise<void> }

/**
 * @param where the call, for messages
 * @param model and its tensors under a layout's names
 * @throws ClipwrightError as `Clip.save`
 */
export async function saveCheckpoint(
  path: string,
  { layout, dtype }: Required<SaveOptions>,
  where: string,
  model: Omit<SavedModel, 'tensors' | 'dtype'> & { tensors(names: TensorNames): SavedModel['tensors'] },
  also?: Besides,
): Promise<void> {
  checkPath(path, where)
  const suffix = extname(path).toLowerCase()
  refuseOtherFiles(path, suffix, where)
  const { names, folder: format, write } = layoutOf(layout, model.config)
  const saved: SavedModel = { ...model, tensors: model.tensors(names), dtype: DTYPES[dtype] }
  if (suffix === '.safetensors') return writeWeights(path, saved)
  await replaceFolder(path, claimOf(format, also?.files), async (folder) => {
    await write(folder, saved)
    await also?.write(folder)
  })
}

/** Suffixes of files that hold a model elsewhere: a folder of such a name would be taken for one. */
const OTHER_FILES = new Set([
  '.pt',
  '.pth',
  '.bin',
  '.ckpt',
  '.onnx',
  '.gguf',
  '.h5',
  '.npz',
  '.pb',
  '.tflite',
  '.msgpack',
])

function refuseOtherFiles(path: string, suffix: string, where: string): void {
  if (!OTHER_FILES.has(suffix)) return
  throw new ClipwrightError(
    'ERR_UNSUPPORTED',
    `${where}: ${path} is the name of a file of type "${suffix}", which is not written; name a folder, or one file that ends in .safetensors.`,
  )
}
