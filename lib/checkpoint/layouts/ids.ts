/** Names of the layouts that models can be saved in: apart, so that a command line which only lists them loads nothing else. */

/**
 * Whose names the tensors of a file have. 'hf' is Hugging Face's CLIPModel or ChineseCLIPModel, 'reference-cn' a model with a
 * BERT tower under `transformer.`; ERR_UNSUPPORTED where a model has no such form.
 */
export type Layout = 'open_clip' | 'hf' | 'openai' | 'reference-cn'

export const LAYOUTS: readonly Layout[] = ['open_clip', 'hf', 'openai', 'reference-cn']
