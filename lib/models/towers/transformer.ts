/** What the towers have in common that open_clip builds of its own blocks: its image tower and its causal text tower. */
import { z } from 'zod'
import { invalid } from '../../base/errors.js'
import { ACTIVATIONS, type NativeActivation } from '../../native/names.js'
import { count, flag, off } from './keys.js'

/** Parts of the attention block that exist in both towers of open_clip; all are off in CLIP's own models. */
const block = {
  ls_init_value: z.number().nullable().optional(),
  block_type: z.literal(['default', null]).optional(),
  qk_norm: off,
  scaled_cosine_attn: off,
  scale_heads: off,
  scale_attn_inner: off,
  scale_attn: off,
  scale_fc: off,
}

/** Keys of `vision_cfg` and `text_cfg` alike; `act` is ours, for towers that do not have the same. */
export const transformerKeys = {
  layers: count.optional(),
  width: count.optional(),
  mlp_ratio: z.number().positive().optional(),
  act: z.enum(ACTIVATIONS).optional(),
  act_kwargs: z
    .strictObject({ approximate: z.literal(['none', 'tanh']).optional() })
    .nullable()
    .optional(),
  norm_kwargs: z.strictObject({ eps: z.number().positive().optional() }).nullable().optional(),
  output_tokens: off,
  final_ln_after_pool: flag.nullable().optional(),
  ...block,
}

type Transformer = z.input<z.ZodObject<typeof transformerKeys>>

/** Attention heads of a tower's blocks, once they divide its width. @throws ClipwrightError ERR_INVALID_ARGUMENT */
export function heads(width: number, count: number, key: string, where: string): number {
  if (count >= 1 && width % count === 0) return count
  throw invalid(`${where}: ${key} must divide the tower's width ${width} into equal heads`)
}

/** Rounded down, as open_clip does. @throws ClipwrightError ERR_INVALID_ARGUMENT */
export function mlpWidth(width: number, { mlp_ratio }: Transformer, key: string, where: string): number {
  const result = Math.trunc(width * (mlp_ratio ?? 4))
  if (result >= 1) return result
  throw invalid(`${where}: ${key}.mlp_ratio ${mlp_ratio} leaves the MLP of width ${width} without a unit`)
}

/** What LayerScale's factors begin as, for the core: nothing without. */
export function layerScale({ ls_init_value }: Transformer): { layerScale?: number } {
  return ls_init_value === undefined || ls_init_value === null ? {} : { layerScale: ls_init_value }
}

/** @param quickGelu the model's `quick_gelu`, which the tower's own `act` wins over. @throws ClipwrightError ERR_INVALID_ARGUMENT */
export function activation(
  quickGelu: boolean | undefined,
  { act, act_kwargs }: Transformer,
  key: string,
  where: string,
): NativeActivation {
  if (act !== undefined) return act
  const approximate = act_kwargs?.approximate
  if (!quickGelu) return approximate === 'tanh' ? 'gelu_tanh' : 'gelu'
  if (approximate === undefined) return 'quick_gelu'
  throw invalid(`${where}: ${key}.act_kwargs.approximate belongs to GELU; remove it or quick_gelu`)
}
