/** Keys of a `vision_cfg` that names a tower of timm, whatever its kind. */
import { z } from 'zod'
import { count, none, off, size } from './keys.js'

export const timmKeys = {
  timm_model_name: z.string(),
  timm_model_pretrained: off,
  timm_proj_bias: off,
  timm_drop: z.literal([0, null]).optional(),
  timm_drop_path: z.literal([0, null]).optional(),
  timm_model_kwargs: none,
  image_size: size.optional(),
  patch_dropout: z.number().min(0).lt(1).nullable().optional(),
  /** Ours, where they are not those of the named model: open_clip has those alone. */
  patch_size: count.optional(),
  width: count.optional(),
  layers: count.optional(),
  head_width: count.optional(),
  mlp_ratio: z.number().positive().optional(),
  output_tokens: off,
}
