/** open_clip's image tower: a vision transformer (`CLIPVisionCfg` in `src/open_clip/model.py`). */
import { z } from 'zod'
import { ClipwrightError, invalid } from '../../base/errors.js'
import type { VitConfig } from '../model-config.js'
import { count, flag, idle, none, off, size } from './keys.js'
import type { ImageTower } from './tower.js'
import { activation, heads, layerScale, mlpWidth, transformerKeys } from './transformer.js'

export const vitSchema = z.strictObject({
  ...transformerKeys,
  head_width: count.optional(),
  image_size: size.optional(),
  patch_size: size.optional(),
  image_seq_len: none,
  patch_dropout: z.number().min(0).lt(1).nullable().optional(),
  attentional_pool: off,
  attn_pooler_queries: idle,
  attn_pooler_heads: idle,
  no_ln_pre: flag.nullable().optional(),
  pos_embed_type: z.literal(['learnable', 'sin_cos_2d']).optional(),
  pool_type: z.literal(['tok', 'avg']).optional(),
  timm_model_name: none,
  timm_model_pretrained: idle,
  timm_pool: idle,
  timm_proj: idle,
  timm_proj_bias: idle,
  timm_drop: idle,
  timm_drop_path: idle,
  timm_model_kwargs: idle,
})

/** What preprocessing makes. */
const LARGEST_SIDE = 16384

export const vit: ImageTower<VitConfig> = {
  is: () => true,
  schema: vitSchema,
  explain: (key, value) =>
    key === 'layers' && Array.isArray(value)
      ? 'describes a ResNet, which is not supported; image towers are ViTs'
      : undefined,
  imageSize(vision, where) {
    const side = square(vision.image_size ?? 224, 'vision_cfg.image_size', where)
    if (side > LARGEST_SIDE)
      throw invalid(`${where}: vision_cfg.image_size: expected at most ${LARGEST_SIDE}, got ${side}`)
    return side
  },
  resolve(model, vision, { mean, std }, where) {
    const imageSize = vit.imageSize(vision, where)
    const patchSize = square(vision.patch_size ?? 16, 'vision_cfg.patch_size', where)
    if (imageSize % patchSize !== 0) {
      throw invalid(`${where}: vision_cfg.patch_size ${patchSize} must divide image_size ${imageSize}`)
    }
    const width = vision.width ?? 768
    const headWidth = vision.head_width ?? 64
    const sinCosPositions = vision.pos_embed_type === 'sin_cos_2d'
    if (sinCosPositions && width % 4 !== 0) {
      throw invalid(`${where}: vision_cfg.pos_embed_type "sin_cos_2d" needs a width of a multiple of 4, got ${width}`)
    }
    return {
      kind: 'vit',
      imageSize,
      patchSize,
      width,
      layers: vision.layers ?? 12,
      // Rounded down as open_clip does; a head_width above the width leaves no head.
      heads: heads(width, Math.floor(width / headWidth), `vision_cfg.head_width ${headWidth}`, where),
      mlpWidth: mlpWidth(width, vision, 'vision_cfg', where),
      activation: activation(model.quick_gelu, vision, 'vision_cfg', where),
      layerNormEps: vision.norm_kwargs?.eps ?? 1e-5,
      classToken: true,
      ...layerScale(vision),
      lnPre: !vision.no_ln_pre,
      pool: vision.pool_type === 'avg' ? 'mean' : 'token',
      poolFirst: vision.final_ln_after_pool ?? false,
      sinCosPositions,
      mean,
      std,
    }
  },
}

/** @throws ClipwrightError ERR_UNSUPPORTED */
export function square(size: NonNullable<VitConfig['image_size']>, key: string, where: string): number {
  if (typeof size === 'number') return size
  if (size[0] === size[1]) return size[0]
  throw new ClipwrightError(
    'ERR_UNSUPPORTED',
    `${where}: "${key}": [${size.join(', ')}] is not supported yet; sizes must be square.`,
  )
}
