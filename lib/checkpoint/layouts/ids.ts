/** Names of the layouts that models can be saved in: apart, so that a command line which only lists them loads nothing else. */
import { PRECISIONS, type Precision } from '../../native/names.js'

/**
 * Whose names the tensors of a file have. 'hf' is Hugging Face's CLIPModel or ChineseCLIPModel, 'reference-cn' a model with a
 * BERT tower under `transformer.`, 'onnx' what transformers.js runs, which is only written; ERR_UNSUPPORTED where a model has no
 * such form.
 */
export type Layout = 'open_clip' | 'hf' | 'openai' | 'reference-cn' | 'onnx'

export const LAYOUTS: readonly Layout[] = ['open_clip', 'hf', 'openai', 'reference-cn', 'onnx']

/** What weights may be rounded to when they are saved; 'int8' is for layout 'onnx' alone. */
export type SavedType = Precision | 'int8'
export const SAVED_TYPES = [...PRECISIONS, 'int8'] as const satisfies SavedType[]
