import { describe, expect, it } from 'vitest'
import { parsePreprocessConfig } from '../../lib/image/parse-preprocess-config.js'
import { type ModelConfig, parseModelConfig } from '../../lib/models/config.js'
import { trainFlopsPerPair } from '../../lib/models/flops.js'
import { resolveModel } from '../../lib/models/resolve.js'
import { native } from '../../lib/native/addon.js'

const config = (name: string, extra: object = {}) =>
  ({ embed_dim: 512, custom_text: true, vision_cfg: { timm_model_name: name, ...extra }, text_cfg: {} }) as ModelConfig
const resolve = (c: ModelConfig) => resolveModel(parseModelConfig(c, 'm'), parsePreprocessConfig({}, 224, 'm'), 'm')
const TINY = { image_size: 16, patch_size: 4, width: 16, layers: 2, head_width: 8 }

describe("timm's Eva towers", () => {
  it.each([
    // timm 1.0.29, number of parameters of create_model(name, num_classes=512, global_pool=...)
    ['eva_giant_patch14_224', 'token', 1_011_867_520],
    ['eva02_base_patch16_clip_224', 'token', 86_263_040],
    ['eva02_large_patch14_clip_336', 'token', 304_170_432],
    ['eva02_enormous_patch14_clip_224', 'token', 4_349_638_912],
    ['vit_pe_core_tiny_patch16_384', 'map', 6_141_056],
    ['vit_pe_core_base_patch16_224', 'map', 93_280_256],
    ['vit_pe_core_gigantic_patch14_448', 'map', 1_880_853_504],
  ])('%s is as timm has it', (name, timm_pool, parameters) => {
    const own = native()
      .parametersOf(resolve(config(name, { timm_pool })))
      .filter((p) => p.name.startsWith('visual.'))
    expect(own.reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0)).toBe(parameters)
  })

  it('are told apart by numbers alone', () => {
    const { vision } = resolve(config('eva02_base_patch16_clip_224', { timm_pool: 'token', ...TINY }))
    expect(vision).toMatchObject({ kind: 'eva', imageSize: 16, patchSize: 4, width: 16, heads: 2, mlpWidth: 42 })
    expect(vision).toMatchObject({ classToken: true, lnPre: false, pool: 'token', layerNormEps: 1e-6 })
    expect(vision.eva).toEqual({
      qkv: 'apart',
      swiglu: true,
      normLast: false,
      rotary: { referenceGrid: 16, firstPlace: 0, columnsFirst: false },
      poolHeads: 0,
      poolMlpWidth: 0,
    })
    const pe = resolve(config('vit_pe_core_gigantic_patch14_448', { timm_pool: 'map' })).vision
    expect(pe).toMatchObject({ classToken: false, lnPre: true, pool: 'attention', mlpWidth: 8960, layerNormEps: 1e-5 })
    expect(pe.eva).toMatchObject({ qkv: 'joint', poolHeads: 8, poolMlpWidth: 6144 })
    expect(pe.eva!.rotary).toEqual({ referenceGrid: 32, firstPlace: 0, columnsFirst: true })
  })

  it('count the three matrices of a gated MLP, and of attention pooling keys and values of every row', () => {
    const flops = (name: string, timm_pool: string, extra: object = {}) =>
      trainFlopsPerPair(resolve(config(name, { timm_pool, ...TINY, ...extra })), 8)
    const plain = flops('eva02_enormous_patch14_clip_224', 'token', { mlp_ratio: 42 / 16 })
    // The first block's MLP has 17 rows, the last one's the class token's; 2 a multiply-add, and three passes.
    expect(flops('eva02_base_patch16_clip_224', 'token') - plain).toBe(6 * (17 + 1) * 16 * 42)
    const pooled = flops('vit_pe_core_base_patch16_224', 'map', { mlp_ratio: 42 / 16 })
    expect(pooled).toBeGreaterThan(plain)
  })

  it.each([
    [
      'ERR_UNSUPPORTED',
      '"vision_cfg.timm_pool": "map" is not supported yet; eva02_base_patch16_clip_224 is built with "token".',
      config('eva02_base_patch16_clip_224', { timm_pool: 'map' }),
    ],
    ['ERR_UNSUPPORTED', '"vision_cfg.timm_model_name"', config('eva02_tiny_patch14_224', { timm_pool: 'token' })],
    [
      'ERR_UNSUPPORTED',
      '"vision_cfg.timm_proj": "linear" is not supported yet',
      config('eva02_base_patch16_clip_224', { timm_pool: 'token', timm_proj: 'linear' }),
    ],
    [
      'ERR_INVALID_ARGUMENT',
      'head_width 25 must divide',
      config('eva02_base_patch16_clip_224', { timm_pool: 'token', head_width: 25 }),
    ],
    [
      'ERR_INVALID_ARGUMENT',
      'head_width 2 must be a multiple of 4',
      config('eva02_base_patch16_clip_224', { timm_pool: 'token', head_width: 2 }),
    ],
    [
      'ERR_INVALID_ARGUMENT',
      'patch_size 16 must divide image_size 100',
      config('eva02_base_patch16_clip_224', { timm_pool: 'token', image_size: 100 }),
    ],
    [
      'ERR_INVALID_ARGUMENT',
      "attention pooling's 8 heads must divide",
      config('vit_pe_core_base_patch16_224', { timm_pool: 'map', width: 20, head_width: 4 }),
    ],
  ])('%s: %s', (code, message, c) => {
    expect(() => resolve(c)).toThrow(expect.objectContaining({ code, message: expect.stringContaining(message) }))
  })
})
