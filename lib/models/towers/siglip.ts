/**
 * SigLIP's image tower as timm has it (`vit_*_siglip_*` in `timm/models/vision_transformer.py`), which open_clip takes by
 * its name: a ViT without class token, pooled by attention.
 */
import { z } from 'zod'
import { ClipwrightError, invalid } from '../../base/errors.js'
import type { NativeModel } from '../../native/model.js'
import { ACTIVATIONS, type NativeActivation } from '../../native/names.js'
import type { SiglipConfig } from '../model-config.js'
import { timmKeys } from './timm-keys.js'
import type { ImageTower } from './tower.js'
import { heads, mlpWidth } from './transformer.js'
import { square } from './vit.js'

export const siglipSchema = z.strictObject({
  ...timmKeys,
  timm_pool: z.literal('map'),
  timm_proj: z.literal('none'),
  act: z.enum(ACTIVATIONS).optional(),
  norm_kwargs: z.strictObject({ eps: z.number().positive().optional() }).nullable().optional(),
})

/** Whether a `vision_cfg` describes SigLIP's tower. */
export function isSiglip(vision: unknown): vision is SiglipConfig {
  const { timm_model_name: name } = Object(vision) as { timm_model_name?: unknown }
  return typeof name === 'string' && NAME.test(name)
}

const NAME = /^vit_([a-z0-9]+)_patch(\d+)_siglip_(\d+)$/

type Size = { width: number; layers: number; heads: number; mlp_ratio: number }
const SIZES: Readonly<Record<string, Size>> = {
  base: { width: 768, layers: 12, heads: 12, mlp_ratio: 4 },
  large: { width: 1024, layers: 24, heads: 16, mlp_ratio: 4 },
  so400m: { width: 1152, layers: 27, heads: 16, mlp_ratio: 3.7362 },
  giantopt: { width: 1536, layers: 40, heads: 16, mlp_ratio: 4 },
}

/** Those that came with SigLIP 2; timm has erf's GELU in the others. */
const TANH = /^vit_(base_patch32|large_patch16_siglip_512|so400m_patch16|giantopt)/

export const siglip: ImageTower<SiglipConfig> = {
  is: isSiglip,
  schema: siglipSchema,
  imageSize: (vision, where) =>
    square(vision.image_size ?? named(vision.timm_model_name).imageSize, 'vision_cfg.image_size', where),
  resolve(model, vision, { mean, std }, where) {
    const of = named(vision.timm_model_name)
    const known = SIZES[of.size]
    if (!known) {
      const message = `${where}: "vision_cfg.timm_model_name": "${vision.timm_model_name}" is not supported yet; SigLIP's sizes are ${Object.keys(SIZES).join(', ')}.`
      throw new ClipwrightError('ERR_UNSUPPORTED', message)
    }
    const width = vision.width ?? known.width
    if (width !== model.embed_dim) {
      throw invalid(
        `${where}: embed_dim ${model.embed_dim} must be the image tower's width ${width}, as timm_proj "none" has it`,
      )
    }
    const headCount = vision.head_width ? Math.floor(width / vision.head_width) : known.heads
    return {
      kind: 'siglip',
      imageSize: siglip.imageSize(vision, where),
      patchSize: vision.patch_size ?? of.patchSize,
      width,
      layers: vision.layers ?? known.layers,
      heads: heads(width, headCount, `vision_cfg.head_width ${vision.head_width ?? width / known.heads}`, where),
      mlpWidth: mlpWidth(width, { mlp_ratio: vision.mlp_ratio ?? known.mlp_ratio }, 'vision_cfg', where),
      activation: vision.act ?? activationOf(vision.timm_model_name),
      layerNormEps: vision.norm_kwargs?.eps ?? 1e-6,
      classToken: false,
      lnPre: false,
      pool: 'token',
      poolFirst: false,
      sinCosPositions: false,
      mean,
      std,
    }
  },
}

function named(name: string): { size: string; patchSize: number; imageSize: number } {
  const [, size, patch, image] = NAME.exec(name)!
  return { size: size!, patchSize: Number(patch), imageSize: Number(image) }
}

function activationOf(name: string): NativeActivation {
  return TANH.test(name) ? 'gelu_tanh' : 'gelu'
}

type SiglipNumbers = Pick<
  NativeModel['vision'],
  'imageSize' | 'patchSize' | 'width' | 'layers' | 'heads' | 'mlpWidth' | 'activation' | 'layerNormEps'
>

/** The `vision_cfg` of a tower with these numbers: timm's name alone where timm has such a one. */
export function describeSiglip(v: SiglipNumbers): SiglipConfig {
  const known = Object.entries(SIZES).find(
    ([, { width, layers, heads: count, mlp_ratio }]) =>
      width === v.width && layers === v.layers && count === v.heads && Math.trunc(width * mlp_ratio) === v.mlpWidth,
  )
  const name = `vit_${known?.[0] ?? 'base'}_patch${v.patchSize}_siglip_${v.imageSize}`
  return {
    timm_model_name: name,
    timm_pool: 'map',
    timm_proj: 'none',
    image_size: v.imageSize,
    ...(!known && { width: v.width, layers: v.layers, head_width: v.width / v.heads, mlp_ratio: v.mlpWidth / v.width }),
    ...(v.activation !== activationOf(name) && { act: v.activation }),
    ...(v.layerNormEps !== 1e-6 && { norm_kwargs: { eps: v.layerNormEps } }),
  }
}
