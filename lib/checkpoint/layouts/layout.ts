/** What a row of the table of layouts says: whose names tensors have, and in what folders they lie. */
import type { ModelConfig } from '../../models/config.js'
import type { Description } from '../../models/description.js'
import type { TokenizerChoice } from '../../tokenizer/choice.js'
import type { Tokenizer } from '../../tokenizer/tokenizer.js'
import type { Dtype } from '../formats/dtypes.js'
import type { TensorSource } from '../formats/safetensors/safetensors.js'
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

/** One that models can be saved in. */
export type SavedLayout = ReadLayout & {
  folder: FolderFormat
  /** Writes all files into an existing folder. */
  write(folder: string, model: SavedModel): Promise<void>
}

/** How a folder that holds a model is recognised and read. Several layouts may share one. */
export type FolderFormat = {
  /** Whose it is, for messages: `open_clip's`. */
  owner: string
  /** The file that describes the model. A folder that holds it is of this format. */
  config: string
  /** What the weights may be called, the likeliest first. */
  weights: readonly string[]
  /** An existing folder is written into only when it is empty or holds this file. */
  marker: string
  /** All files that writing such a folder may write. */
  own: readonly string[]
  /** Files besides that readers of such folders look at, here or in the library itself. */
  reads: readonly string[]
  /** @throws ClipwrightError ERR_FORMAT for files that are not what they should be, ERR_UNSUPPORTED, ERR_IO */
  read(folder: string): Promise<Beside>
}

/** What lies beside weights: a description, and in some folders the tokenizer. */
export type Beside = Description & { tokenizer?: TokenizerChoice }

export type SavedModel = Description & {
  tokenizer: Tokenizer
  contextLength: number
  /** Under the layout's names. */
  tensors: (readonly [name: string, source: Omit<TensorSource, 'dtype'>])[]
  dtype: Dtype
}
