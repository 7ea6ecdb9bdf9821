/** Writing weights with what describes them, in any of the layouts. */
import { extname } from 'node:path'
import { z } from 'zod'
import { ClipwrightError } from '../base/errors.js'
import { checkPath } from '../files/check-path.js'
import { replaceFolder } from '../files/replace-folder.js'
import type { NativeModel } from '../native/model.js'
import type { Dtype } from './formats/dtypes.js'
import { requireReplaceable } from './formats/safetensors/replaceable.js'
import { claimOf } from './layouts/claim.js'
import { tokenizerFilesOf } from './layouts/hf/tokenizer-files.js'
import { LAYOUTS, type Layout, SAVED_TYPES, type SavedType } from './layouts/ids.js'
import type { Probed, Probes, SavedModel, TensorNames } from './layouts/layout.js'
import { OWN_WEIGHTS, writeWeights } from './layouts/open-clip/weights.js'
import { isRead, layoutOf } from './layouts/table.js'

/** How weights are written. */
export type WeightOptions = {
  /** Whose names the tensors have; 'open_clip' by default. */
  layout?: Layout
  /** What the weights are rounded to; 'fp32' by default, which keeps them exactly. 'int8' is for layout 'onnx' alone. */
  dtype?: SavedType
}

export const SAVE_SHAPE = {
  layout: z.enum(LAYOUTS).default('open_clip'),
  dtype: z.enum(SAVED_TYPES).default('fp32'),
}

const DTYPES = { fp32: 'F32', fp16: 'F16', bf16: 'BF16', int8: 'I8' } as const satisfies Record<SavedType, Dtype>

/** More files in the folder, written before it takes its place; the folder then is complete or not there. */
export type Besides = { files: readonly string[]; write: (folder: string) => Promise<void> }

/** A model and its tensors under a layout's names; where it is at hand, what it makes of a layout's probes. */
type SavingModel = Omit<SavedModel, 'tensors' | 'dtype' | 'probed'> & {
  tensors(names: TensorNames): SavedModel['tensors']
  native?: NativeModel
  probed?(probes: Probes): Probed
}

/**
 * @param where the call, for messages
 * @throws ClipwrightError as `Clip.save`
 */
export async function saveCheckpoint(
  path: string,
  { layout, dtype, check = true }: Required<WeightOptions> & { check?: boolean },
  where: string,
  { tensors, native, probed, ...model }: SavingModel,
  also?: Besides,
): Promise<void> {
  refuseOtherFiles(path, where)
  const alone = isOneFile(path)
  if (alone && !isRead(layout)) {
    const message = `${where}: layout "${layout}" is that of a folder, but ${path} is the name of one file of weights; name a folder.`
    throw new ClipwrightError('ERR_UNSUPPORTED', message)
  }
  if (dtype === 'int8' && layout !== 'onnx') {
    const message = `${where}: layout "${layout}" has no weights in int8, whose scales only layout "onnx" has a place for; choose fp16 or bf16.`
    throw new ClipwrightError('ERR_UNSUPPORTED', message)
  }
  const { names, folder: format, write, probes } = layoutOf(layout, model.config)
  const saved: SavedModel = { ...model, tensors: tensors(names), dtype: DTYPES[dtype] }
  const asked = check && native ? probes?.(native, model.tokenizer.padId) : undefined
  if (asked && probed) saved.probed = probed(asked)
  if (alone) {
    // Not before the reads are queued: weights are saved as they are at the time of the call.
    await requireReplaceable(path, OWN_WEIGHTS)
    return writeWeights(path, saved, true)
  }
  const besides = [...tokenizerFilesOf(model.tokenizer), ...(also?.files ?? [])]
  await replaceFolder(path, claimOf(format, besides), async (folder) => {
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
  '.npy',
  '.npz',
  '.pb',
  '.tflite',
  '.msgpack',
])

const suffixOf = (path: string) => extname(path).toLowerCase()

const isOneFile = (path: string) => suffixOf(path) === '.safetensors'

/**
 * Whether a model may be written there, as far as that can be told before it is made: what a folder holds is looked at when it
 * is replaced. To be asked before long work.
 * @throws ClipwrightError ERR_UNSUPPORTED for a name that says another kind of file; ERR_INVALID_ARGUMENT for a file that is
 *   not one of weights, ERR_IO where its folder is missing
 */
export async function requireRoomForModel(path: string, where: string): Promise<void> {
  refuseOtherFiles(path, where)
  if (isOneFile(path)) await requireReplaceable(path, OWN_WEIGHTS)
}

function refuseOtherFiles(path: string, where: string): void {
  checkPath(path, where)
  const suffix = suffixOf(path)
  if (!OTHER_FILES.has(suffix)) return
  throw new ClipwrightError(
    'ERR_UNSUPPORTED',
    `${where}: ${path} is the name of a file of type "${suffix}", which is not written; name a folder, or one file that ends in .safetensors.`,
  )
}
