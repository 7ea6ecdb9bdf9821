/** What a row of the table of layouts says: whose names tensors have, and in what folders they lie. */

import type { Tensor, Tokens } from '../../base/types.js'
import type { ModelConfig } from '../../models/config.js'
import type { Description } from '../../models/description.js'
import type { NativeModel } from '../../native/model.js'
import type { TokenizerChoice } from '../../tokenizer/choice.js'
import type { Tokenizer } from '../../tokenizer/tokenizer.js'
import type { Dtype } from '../formats/dtypes.js'
import type { TensorSource } from '../formats/safetensors/safetensors.js'
import type { WriteManner } from '../formats/safetensors/writer.js'
import type { ParameterShape, StoredPart } from './stored-parts.js'

export type TensorNames = {
  /** The tensors that hold one of the model's parameters. */
  partsOf(parameter: ParameterShape): StoredPart[]
  /** Tensors that such files may hold and that no parameter comes from. */
  ignores(name: string): boolean
}

/** @returns why a model has no such form; undefined when it has */
export type Refusal = (config: ModelConfig) => string | undefined

/** A layout, or one of a library's classes for families of models, that files may be in. */
export type ReadLayout = { id: string; names: TensorNames; refuses: Refusal }

/** One that models can be written in. */
export type WrittenLayout = ReadLayout & {
  folder: FolderClaim
  /** For layouts that check what they wrote. Undefined when they cannot. */
  probes?(model: NativeModel, padId: number): Probes | undefined
  /** Writes all files into an existing folder. */
  write(folder: string, model: SavedModel): Promise<void>
}

/** One that models can be saved in, to be read again. */
export type SavedLayout = WrittenLayout & { folder: FolderFormat }

/** What writing a folder may replace. */
export type FolderClaim = {
  /** An existing folder is written into only when it is empty or holds this. */
  marker: string
  /** All files that writing such a folder may write. */
  own: readonly string[]
  /** Folders in it that are the writer's as a whole, and which names of files in them are its. */
  folders?: Readonly<Record<string, RegExp>>
  /** Files besides that readers of such folders look at, here or in the library itself. */
  reads: readonly string[]
}

/** How a folder that holds a model is recognised and read. Several layouts may share one. */
export type FolderFormat = FolderClaim & {
  /** Whose it is, for messages: `open_clip's`. */
  owner: string
  /** The file that describes the model. A folder that holds it is of this format. */
  config: string
  /** What the weights may be called, the likeliest first. */
  weights: readonly string[]
  /** @throws ClipwrightError ERR_FORMAT for files that are not what they should be, ERR_UNSUPPORTED, ERR_IO */
  read(folder: string): Promise<Beside>
}

/** What lies beside weights: a description, and in some folders the tokenizer. */
export type Beside = Description & { tokenizer?: TokenizerChoice }

export type SavedModel = Description & {
  tokenizer: Tokenizer
  contextLength: number
  /** Under the layout's names. */
  tensors: (readonly [name: string, source: Omit<TensorSource, 'dtype'> & { dtype?: Dtype }])[]
  /** Of tensors that do not say their own. */
  dtype: Dtype
  /** What the weights' file says of itself besides. */
  metadata?: Readonly<Record<string, string>>
  /** What the layout asked for, where the model itself is at hand. */
  probed?: Probed
  /** Of a file of weights in open_clip's layout. */
  manner?: WriteManner
}

/** Inputs of which a layout wants to know what the model makes of them: pictures [n, 3, H, W] that are normalised, and ids. */
export type Probes = { images: Tensor; texts: Tokens }

/** Features of them, not normalised, by the weights that are saved. */
export type Probed = { probes: Probes; features: Promise<{ images: Float32Array; texts: Float32Array }> }
