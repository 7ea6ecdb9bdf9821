import { describe, expect, it } from 'vitest'
import { parsePreprocessConfig } from '../../lib/image/parse-preprocess-config.js'
import { type ModelConfig, parseModelConfig } from '../../lib/models/config.js'
import type { SiglipConfig } from '../../lib/models/model-config.js'
import { resolveModel } from '../../lib/models/resolve.js'
import { describeSiglip } from '../../lib/models/towers/siglip.js'
import { native } from '../../lib/native/addon.js'

const config = (embedDim: number, name: string, extra: object = {}) =>
  ({
    embed_dim: embedDim,
    vision_cfg: { timm_model_name: name, timm_pool: 'map', timm_proj: 'none', ...extra },
    text_cfg: {},
  }) as ModelConfig
const resolve = (c: ModelConfig) =>
  resolveModel(parseModelConfig(c, 'm'), parsePreprocessConfig({}, 224, 'm'), 'm').vision

describe("SigLIP's image tower", () => {
  it.each([
    // timm 1.0.29, number of parameters of create_model(name, num_classes=0)
    ['vit_base_patch16_siglip_224', 768, 224, 16, 'gelu', 92_884_224],
    ['vit_base_patch32_siglip_256', 768, 256, 32, 'gelu_tanh', 94_552_320],
    ['vit_large_patch16_siglip_384', 1024, 384, 16, 'gelu', 316_283_904],
    ['vit_so400m_patch14_siglip_384', 1152, 384, 14, 'gelu', 428_225_600],
    ['vit_giantopt_patch16_siglip_256', 1536, 256, 16, 'gelu_tanh', 1_163_168_256],
  ])('%s is as timm has it', (name, embedDim, imageSize, patchSize, activation, parameters) => {
    const c = config(embedDim, name)
    const vision = resolve(c)
    expect(vision).toMatchObject({
      kind: 'siglip',
      imageSize,
      patchSize,
      activation,
      layerNormEps: 1e-6,
      classToken: false,
    })
    const model = resolveModel(parseModelConfig(c, 'm'), parsePreprocessConfig({}, imageSize, 'm'), 'm')
    const own = native()
      .parametersOf(model)
      .filter(({ name }) => name.startsWith('visual.'))
    expect(own.reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0)).toBe(parameters)
    expect(describeSiglip(vision)).toEqual({ ...(c.vision_cfg as SiglipConfig), image_size: imageSize })
  })

  it('may have sizes of its own, which are said beside the name', () => {
    const own = { image_size: 32, patch_size: 8, width: 64, layers: 2, head_width: 32, mlp_ratio: 4, act: 'gelu_tanh' }
    const vision = resolve(config(64, 'vit_base_patch16_siglip_224', own))
    expect(vision).toMatchObject({ imageSize: 32, patchSize: 8, width: 64, layers: 2, heads: 2, mlpWidth: 256 })
    const said = describeSiglip(vision)
    expect(said).toMatchObject({
      timm_model_name: 'vit_base_patch8_siglip_32',
      width: 64,
      head_width: 32,
      mlp_ratio: 4,
    })
    expect(resolve(config(64, said.timm_model_name, said))).toEqual(vision)
  })

  it.each([
    ['ERR_UNSUPPORTED', 'vit_tiny_patch16_siglip_224', config(192, 'vit_tiny_patch16_siglip_224')],
    ['ERR_INVALID_ARGUMENT', 'embed_dim 512 must be', config(512, 'vit_base_patch16_siglip_224')],
    [
      'ERR_UNSUPPORTED',
      '"vision_cfg.timm_pool": "avg"',
      config(768, 'vit_base_patch16_siglip_224', { timm_pool: 'avg' }),
    ],
    [
      'ERR_INVALID_ARGUMENT',
      'head_width 25 must divide',
      config(768, 'vit_base_patch16_siglip_224', { head_width: 25 }),
    ],
  ])('%s: %s', (code, message, c) => {
    expect(() => resolve(c)).toThrow(expect.objectContaining({ code, message: expect.stringContaining(message) }))
  })
})
