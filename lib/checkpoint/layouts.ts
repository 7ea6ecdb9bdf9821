/**
 * How the libraries name a model's tensors. Inside, parameters have open_clip's names; each layout is a row of a table
 * that says what they are called there and what else lies in such files.
 */
import { z } from 'zod'
import { ClipwrightError } from '../errors.js'

/** Whose names the tensors of a file have; ERR_UNSUPPORTED for the ones that are not there yet, hf and reference-cn. */
export type Layout = 'open_clip' | 'hf' | 'openai' | 'reference-cn'

export type TensorNames = {
  /** This layout's name for one of the model's parameters. */
  nameOf(parameter: string): string
  /** Tensors that such files may hold and that no parameter comes from. */
  ignores(name: string): boolean
}

const openClip: TensorNames = {
  nameOf: (parameter) => parameter,
  // The causal mask was stored by early versions, in scripts by each block; it follows from the context length.
  ignores: (name) => name === 'attn_mask' || name.endsWith('.attn_mask'),
}

/** https://github.com/openai/CLIP: open_clip's names stem from here; its archives hold three sizes besides. */
const openAi: TensorNames = {
  nameOf: (parameter) => parameter,
  ignores: (name) => ['input_resolution', 'context_length', 'vocab_size'].includes(name),
}

const layouts: Partial<Record<Layout, TensorNames>> = { open_clip: openClip, openai: openAi }

export const layoutSchema = z.enum(['open_clip', 'hf', 'openai', 'reference-cn'])

/** @throws ClipwrightError ERR_UNSUPPORTED for a layout that is not there yet */
export function tensorNames(layout: Layout): TensorNames {
  const found = layouts[layout]
  if (found) return found
  const supported = Object.keys(layouts).join(', ')
  throw new ClipwrightError('ERR_UNSUPPORTED', `Layout "${layout}" is not supported yet; supported: ${supported}.`)
}

/** What may lie unread in a file of any of the layouts that share open_clip's names. */
export function isIgnored(name: string): boolean {
  return openClip.ignores(name) || openAi.ignores(name)
}
