/**
 * How the libraries name a model's tensors. Inside, parameters have open_clip's names or, with a BERT tower, the
 * reference's; each layout is a row of a table that says what they are called there and what else lies in such files.
 */
import { z } from 'zod'
import { ClipwrightError } from '../../base/errors.js'
import type { ModelConfig } from '../../models/config.js'
import { isBert } from '../../models/towers/bert.js'
import { chineseClipParts } from './chinese-clip/names.js'
import { type ParameterShape, type StoredPart, whole } from './stored-parts.js'

/**
 * Whose names the tensors of a file have. 'hf' is Hugging Face's ChineseCLIPModel, 'reference-cn' a model with a BERT tower
 * under `transformer.`; ERR_UNSUPPORTED where a model has no such form.
 */
export type Layout = 'open_clip' | 'hf' | 'openai' | 'reference-cn'

export type TensorNames = {
  /** The tensors that hold one of the model's parameters. */
  partsOf(parameter: ParameterShape): StoredPart[]
  /** Tensors that such files may hold and that no parameter comes from. */
  ignores(name: string): boolean
}

/** @returns why a model has no such form; undefined when it has */
type Refusal = (config: ModelConfig) => string | undefined

const same = (parameter: ParameterShape) => [whole(parameter, parameter.name)]
/** Buffers of BERT's embeddings, which older versions of transformers stored: they count from 0 up. */
const isBuffer = (name: string) => /(^|\.)embeddings\.(position_ids|token_type_ids)$/.test(name)

const openClip: TensorNames = {
  partsOf: same,
  // The causal mask was stored by early versions, in scripts by each block; it follows from the context length.
  ignores: (name) => name === 'attn_mask' || name.endsWith('.attn_mask') || isBuffer(name),
}

/** https://github.com/openai/CLIP: open_clip's names stem from here; its archives hold three sizes besides. */
const openAi: TensorNames = {
  partsOf: same,
  ignores: (name) => ['input_resolution', 'context_length', 'vocab_size'].includes(name),
}

const reference: TensorNames = { partsOf: same, ignores: isBuffer }

const chineseClip: TensorNames = {
  partsOf: chineseClipParts,
  // A pooler that ChineseCLIPModel never made use of.
  ignores: (name) => isBuffer(name) || name.startsWith('text_model.pooler.'),
}

/** https://github.com/OFA-Sys/Chinese-CLIP, as its own weights are published: the text tower lies under `bert.`. Only read. */
const cnClip: TensorNames = {
  partsOf: (parameter) => [whole(parameter, parameter.name.replace(/^transformer\./, 'bert.'))],
  ignores: (name) => isBuffer(name) || name.startsWith('bert.pooler.'),
}

const lacksBert: Refusal = ({ text_cfg: text }) => {
  if (!isBert(text)) return 'its text tower is causal'
  return text.hf_config.model_type === 'bert' ? undefined : 'its names are those of open_clip'
}
const hasBert: Refusal = ({ text_cfg: text }) => (isBert(text) ? 'its text tower is a BERT' : undefined)
const isNoChineseClip: Refusal = (config) => {
  const { text_cfg: text } = config
  if (!isBert(text)) return lacksBert(config)
  if (text.pooler !== 'cls') return `ChineseCLIPModel has no pooler "${text.pooler}"`
  if (text.ln_final) return 'ChineseCLIPModel has no ln_final'
  return text.proj === 'linear' ? lacksBert(config) : `ChineseCLIPModel has no projection "${text.proj}"`
}

const layouts: Record<Layout, { names: TensorNames; refuses: Refusal }> = {
  open_clip: { names: openClip, refuses: () => undefined },
  hf: { names: chineseClip, refuses: isNoChineseClip },
  openai: { names: openAi, refuses: hasBert },
  'reference-cn': { names: reference, refuses: lacksBert },
}

export const layoutSchema = z.enum(['open_clip', 'hf', 'openai', 'reference-cn'])

/** @throws ClipwrightError ERR_UNSUPPORTED when the model has no form in this layout */
export function tensorNames(layout: Layout, config: ModelConfig): TensorNames {
  const { names, refuses } = layouts[layout]
  const refusal = refuses(config)
  if (refusal === undefined) return names
  const others = layoutSchema.options.filter((other) => layouts[other].refuses(config) === undefined)
  throw new ClipwrightError(
    'ERR_UNSUPPORTED',
    `Layout "${layout}" is not for this model: ${refusal}; supported for it: ${others.join(', ')}.`,
  )
}

/** The layout, of those that the model has, under whose names most of the parameters lie in a file. */
export function recogniseLayout(
  parameters: readonly ParameterShape[],
  stored: ReadonlyMap<string, unknown>,
  config: ModelConfig,
): TensorNames {
  const candidates = layoutSchema.options.map((layout) => layouts[layout]).concat({ names: cnClip, refuses: lacksBert })
  const found = candidates
    .filter(({ refuses }) => refuses(config) === undefined)
    .map(({ names }) => ({ names, count: countStored(names, parameters, stored) }))
  return found.reduce((best, next) => (next.count > best.count ? next : best)).names
}

function countStored(names: TensorNames, parameters: readonly ParameterShape[], stored: ReadonlyMap<string, unknown>) {
  return parameters.flatMap((parameter) => names.partsOf(parameter)).filter(({ name }) => stored.has(name)).length
}

/** What may lie unread in a file of open_clip's names or of OpenAI's, which are told apart by nothing else. */
export function isIgnored(names: TensorNames, name: string): boolean {
  return names.ignores(name) || (names === openClip && openAi.ignores(name))
}
