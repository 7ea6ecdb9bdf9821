/** What transformers' configurations say of towers that are built of CLIP's own blocks, from and to open_clip's. */
import { z } from 'zod'
import { ClipwrightError } from '../../../base/errors.js'
import type { VitConfig } from '../../../models/model-config.js'
import type { NativeModel } from '../../../native/model.js'
import type { NativeActivation } from '../../../native/names.js'

const count = z.int().positive()
const size = z.union([count, z.tuple([count, count])])

/** Which no tower of CLIP's kind has here. */
export const dropoutKeys = { attention_dropout: z.number().nullish(), dropout: z.number().nullish() }

/** Keys of both towers, with the defaults that they have in common. */
const blocks = {
  ...dropoutKeys,
  num_hidden_layers: count.default(12),
  hidden_act: z.string().default('quick_gelu'),
  layer_norm_eps: z.number().positive().default(1e-5),
}

/** Of CLIPVisionConfig and its kin. */
export const visionSchema = z.looseObject({
  ...blocks,
  hidden_size: count.default(768),
  intermediate_size: count.default(3072),
  num_attention_heads: count.default(12),
  num_channels: z.literal(3).default(3),
  image_size: size.default(224),
  patch_size: size.default(32),
})

/** Of CLIPTextConfig. */
export const causalSchema = z.looseObject({
  ...blocks,
  vocab_size: count.default(49408),
  hidden_size: count.default(512),
  intermediate_size: count.default(2048),
  num_attention_heads: count.default(8),
  max_position_embeddings: count.default(77),
  eos_token_id: z
    .union([z.int(), z.array(z.int())])
    .nullable()
    .default(49407),
})

/** Says of rates that transformers would train with, and this library does not. Features are the same without them. */
export function warnOfDropout(
  towers: Readonly<
    Record<string, { attention_dropout?: number | null | undefined; dropout?: number | null | undefined }>
  >,
  where: string,
): void {
  const rates = Object.entries(towers).flatMap(([tower, { attention_dropout, dropout }]) =>
    Object.entries({ attention_dropout, dropout }).flatMap(([key, rate]) => (rate ? `${tower}.${key} ${rate}` : [])),
  )
  if (rates.length === 0) return
  const message = `${where}: ${rates.join(' and ')} ${rates.length > 1 ? 'are' : 'is'} left out in training: dropout is for BERT-like text towers alone.`
  process.emitWarning(message, { code: 'CLIPWRIGHT_DROPOUT' })
}

type Vision = z.infer<typeof visionSchema>
type Causal = z.infer<typeof causalSchema>
type Blocks = Pick<Vision, 'num_hidden_layers' | 'hidden_size' | 'intermediate_size' | 'layer_norm_eps'>

const ACTIVATIONS: Readonly<Record<string, NativeActivation>> = {
  quick_gelu: 'quick_gelu',
  gelu: 'gelu',
  gelu_new: 'gelu_tanh',
  gelu_pytorch_tanh: 'gelu_tanh',
}

const NAMES: Readonly<Record<NativeActivation, string>> = {
  gelu: 'gelu',
  gelu_tanh: 'gelu_pytorch_tanh',
  quick_gelu: 'quick_gelu',
}

/** @throws ClipwrightError ERR_UNSUPPORTED */
export function activationOf(hiddenAct: string, key: string, where: string): NativeActivation {
  const found = Object.hasOwn(ACTIVATIONS, hiddenAct) ? ACTIVATIONS[hiddenAct] : undefined
  if (found) return found
  const message = `${where}: ${key}.hidden_act ${JSON.stringify(hiddenAct)} is not supported; supported: ${Object.keys(ACTIVATIONS).join(', ')}.`
  throw new ClipwrightError('ERR_UNSUPPORTED', message)
}

/** @throws ClipwrightError ERR_FORMAT */
export function visionConfig(vision: Vision, where: string): VitConfig {
  requireHeads(vision, 'vision_config', where)
  return {
    image_size: vision.image_size,
    patch_size: vision.patch_size,
    ...blocksConfig(vision),
    head_width: vision.hidden_size / vision.num_attention_heads,
  }
}

/** @throws ClipwrightError ERR_FORMAT */
export function causalConfig(text: Causal, where: string) {
  requireHeads(text, 'text_config', where)
  return {
    context_length: text.max_position_embeddings,
    vocab_size: text.vocab_size,
    ...blocksConfig(text),
    heads: text.num_attention_heads,
  }
}

export function blocksConfig(said: Blocks) {
  const { hidden_size: width, intermediate_size: mlpWidth, layer_norm_eps: eps } = said
  return {
    width,
    layers: said.num_hidden_layers,
    ...(mlpWidth !== 4 * width && { mlp_ratio: ratio(mlpWidth, width) }),
    ...(eps !== 1e-5 && { norm_kwargs: { eps } }),
  }
}

/** How open_clip says that a tower's own GELU is the approximated one; QuickGELU is said of the model. */
export function geluConfig(activation: NativeActivation) {
  return activation === 'gelu_tanh' ? { act_kwargs: { approximate: 'tanh' as const } } : {}
}

/** open_clip rounds width·ratio down: a quotient that comes out a little small must not lose a unit. */
function ratio(mlpWidth: number, width: number): number {
  const exact = mlpWidth / width
  return Math.trunc(width * exact) === mlpWidth ? exact : (mlpWidth + 0.5) / width
}

/** @throws ClipwrightError ERR_FORMAT */
export function requireHeads(
  said: Pick<Vision, 'hidden_size' | 'num_attention_heads'>,
  key: string,
  where: string,
): void {
  const { hidden_size: width, num_attention_heads: heads } = said
  if (width % heads === 0) return
  const message = `${where}: ${key}.num_attention_heads ${heads} must divide hidden_size ${width}.`
  throw new ClipwrightError('ERR_FORMAT', message)
}

/** A `vision_config`. */
export function describeVision({ vision: v, embedDim }: NativeModel, modelType: string): object {
  return {
    model_type: modelType,
    ...describeBlocks(v),
    num_channels: 3,
    image_size: v.imageSize,
    patch_size: v.patchSize,
    projection_dim: embedDim,
  }
}

/** The keys that any text tower's configuration has, too. */
export function describeBlocks(tower: NativeModel['vision'] | NativeModel['text']) {
  return {
    hidden_size: tower.width,
    intermediate_size: tower.mlpWidth,
    num_hidden_layers: tower.layers,
    num_attention_heads: tower.heads,
    hidden_act: NAMES[tower.activation],
    layer_norm_eps: tower.layerNormEps,
  }
}
