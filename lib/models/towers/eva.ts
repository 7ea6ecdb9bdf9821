/**
 * timm's Eva towers (`timm/models/eva.py`), which open_clip takes by their names: EVA, EVA-02 and Perception Encoder. What a
 * name stands for is a row of the table below.
 */
import { z } from 'zod'
import { ClipwrightError, invalid } from '../../base/errors.js'
import type { NativeEva, NativeModel } from '../../native/model.js'
import type { EvaConfig } from '../model-config.js'
import { none } from './keys.js'
import { timmKeys } from './timm-keys.js'
import type { ImageTower } from './tower.js'
import { heads, mlpWidth } from './transformer.js'
import { square } from './vit.js'

export const evaSchema = z.strictObject({
  ...timmKeys,
  timm_pool: z.literal(['token', 'map']),
  timm_proj: none,
})

type Known = Omit<NativeEva, 'poolHeads' | 'poolMlpWidth'> & {
  imageSize: number
  patchSize: number
  width: number
  layers: number
  heads: number
  mlpRatio: number
  layerNormEps: number
  classToken: boolean
  /** A norm before the blocks, and no bias of the patch embedding. */
  lnPre: boolean
  pool: EvaConfig['timm_pool']
}

const EVA = {
  qkv: 'joint_no_key_bias',
  swiglu: false,
  normLast: false,
  layerNormEps: 1e-6,
  classToken: true,
  lnPre: false,
  pool: 'token',
} as const

const EVA02 = {
  ...EVA,
  qkv: 'apart',
  swiglu: true,
  mlpRatio: 8 / 3,
  rotary: { referenceGrid: 16, firstPlace: 0, columnsFirst: false },
} as const

const PERCEPTION_ENCODER = {
  ...EVA,
  qkv: 'joint',
  layerNormEps: 1e-5,
  lnPre: true,
  pool: 'map',
} as const

/** Of attention pooling, whatever the size. */
const POOL = { heads: 8, mlpRatio: 4 }

const perceptionEncoder = (referenceGrid: number, firstPlace = 1) => ({
  ...PERCEPTION_ENCODER,
  rotary: { referenceGrid, firstPlace, columnsFirst: true },
})

const KNOWN: Readonly<Record<string, Known>> = {
  eva_giant_patch14_224: {
    ...EVA,
    ...{ imageSize: 224, patchSize: 14, width: 1408, layers: 40, heads: 16, mlpRatio: 6144 / 1408 },
  },
  eva02_base_patch16_clip_224: {
    ...EVA02,
    ...{ imageSize: 224, patchSize: 16, width: 768, layers: 12, heads: 12 },
  },
  eva02_large_patch14_clip_224: {
    ...EVA02,
    ...{ imageSize: 224, patchSize: 14, width: 1024, layers: 24, heads: 16 },
  },
  eva02_large_patch14_clip_336: {
    ...EVA02,
    ...{ imageSize: 336, patchSize: 14, width: 1024, layers: 24, heads: 16 },
  },
  eva02_enormous_patch14_clip_224: {
    ...EVA,
    normLast: true,
    ...{ imageSize: 224, patchSize: 14, width: 1792, layers: 64, heads: 16, mlpRatio: 15360 / 1792 },
  },
  vit_pe_core_tiny_patch16_384: {
    ...perceptionEncoder(24),
    ...{ imageSize: 384, patchSize: 16, width: 192, layers: 12, heads: 3, mlpRatio: 4 },
  },
  vit_pe_core_small_patch16_384: {
    ...perceptionEncoder(24),
    ...{ imageSize: 384, patchSize: 16, width: 384, layers: 12, heads: 6, mlpRatio: 4 },
  },
  vit_pe_core_base_patch16_224: {
    ...perceptionEncoder(14),
    ...{ imageSize: 224, patchSize: 16, width: 768, layers: 12, heads: 12, mlpRatio: 4 },
  },
  vit_pe_core_large_patch14_336: {
    ...perceptionEncoder(24),
    ...{ imageSize: 336, patchSize: 14, width: 1024, layers: 24, heads: 16, mlpRatio: 4 },
  },
  vit_pe_core_gigantic_patch14_448: {
    ...perceptionEncoder(32, 0),
    classToken: false,
    ...{ imageSize: 448, patchSize: 14, width: 1536, layers: 50, heads: 16, mlpRatio: 8960 / 1536 },
  },
}

/** Whether a `vision_cfg` describes one of these towers. */
export function isEva(vision: unknown): vision is EvaConfig {
  const { timm_model_name: name } = Object(vision) as { timm_model_name?: unknown }
  return typeof name === 'string' && Object.hasOwn(KNOWN, name)
}

export const eva: ImageTower<EvaConfig> = {
  is: isEva,
  schema: evaSchema,
  imageSize: (vision, where) =>
    square(vision.image_size ?? KNOWN[vision.timm_model_name]!.imageSize, 'vision_cfg.image_size', where),
  resolve(_, vision, { mean, std }, where) {
    const known = KNOWN[vision.timm_model_name]!
    if (vision.timm_pool !== known.pool) {
      const message = `${where}: "vision_cfg.timm_pool": "${vision.timm_pool}" is not supported yet; ${vision.timm_model_name} is built with "${known.pool}".`
      throw new ClipwrightError('ERR_UNSUPPORTED', message)
    }
    const imageSize = eva.imageSize(vision, where)
    const patchSize = vision.patch_size ?? known.patchSize
    if (imageSize % patchSize !== 0) {
      throw invalid(`${where}: vision_cfg.patch_size ${patchSize} must divide image_size ${imageSize}`)
    }
    const width = vision.width ?? known.width
    const headCount = vision.head_width
      ? Math.floor(width / vision.head_width)
      : Math.floor((width * known.heads) / known.width)
    const numbers = {
      imageSize,
      patchSize,
      width,
      layers: vision.layers ?? known.layers,
      heads: heads(width, headCount, `vision_cfg.head_width ${vision.head_width ?? known.width / known.heads}`, where),
      mlpWidth: mlpWidth(width, { mlp_ratio: vision.mlp_ratio ?? known.mlpRatio }, 'vision_cfg', where),
    }
    if (known.rotary && numbers.width % (4 * numbers.heads) !== 0) {
      throw invalid(
        `${where}: vision_cfg.head_width ${width / numbers.heads} must be a multiple of 4, as rotary positions have it`,
      )
    }
    return { kind: 'eva', ...numbers, ...others(known), eva: evaOf(known, width, where), mean, std }
  },
}

function others({ layerNormEps, classToken, lnPre, pool }: Known) {
  return {
    activation: 'gelu',
    layerNormEps,
    classToken,
    lnPre,
    pool: pool === 'map' ? 'attention' : 'token',
    poolFirst: false,
    sinCosPositions: false,
  } satisfies Partial<NativeModel['vision']>
}

function evaOf({ qkv, swiglu, normLast, rotary, pool }: Known, width: number, where: string): NativeEva {
  const pooled = pool === 'map'
  return {
    qkv,
    swiglu,
    normLast,
    ...(rotary && { rotary }),
    poolHeads: pooled ? heads(width, POOL.heads, `attention pooling's ${POOL.heads} heads`, where) : 0,
    poolMlpWidth: pooled ? width * POOL.mlpRatio : 0,
  }
}
