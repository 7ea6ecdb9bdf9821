import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { parseModelConfig } from '../../lib/models/config.js'
import { modelConfig } from '../../lib/models/registry.js'

const tower = { embed_dim: 32, vision_cfg: { width: 64 }, text_cfg: { width: 48, heads: 3 } }
const vision = (extra: object) => ({ ...tower, vision_cfg: { ...tower.vision_cfg, ...extra } })
const text = (extra: object) => ({ ...tower, text_cfg: { ...tower.text_cfg, ...extra } })

describe('parseModelConfig', () => {
  it.each(['openclip-gelu', 'openclip-quickgelu', 'openclip-options'])('returns %s unchanged', (name) => {
    const path = new URL(`../goldens/${name}/open_clip_config.json`, import.meta.url)
    const config = JSON.parse(readFileSync(path, 'utf8')).model_cfg
    expect(parseModelConfig(config, name)).toEqual(config)
  })

  it('accepts every feature it lacks while the feature is off', () => {
    const config = vision({
      ls_init_value: null,
      patch_dropout: 0,
      pool_type: 'tok',
      attentional_pool: false,
      timm_pool: 'avg',
    })
    expect(parseModelConfig(config, 'm')).toEqual(config)
    const other = text({ pool_type: 'argmax', embed_cls: false, hf_model_name: null, proj_type: 'linear' })
    expect(parseModelConfig(other, 'm')).toEqual(other)
  })

  it.each([
    ['vision_cfg.pool_type', vision({ pool_type: 'none' })],
    ['vision_cfg.timm_model_name', vision({ timm_model_name: 'convnext_base' })],
    ['vision_cfg.qk_norm', vision({ qk_norm: true })],
    ['vision_cfg.layers', vision({ layers: [3, 4, 6, 3] })],
    ['text_cfg.hf_model_name', text({ hf_model_name: 'xlm-roberta-base' })],
    ['text_cfg.embed_cls', text({ embed_cls: true })],
    ['text_cfg.pool_type', text({ pool_type: 'none' })],
    ['multimodal_cfg', { ...tower, multimodal_cfg: {} }],
  ])('refuses %s as not supported yet', (key, config) => {
    expect(() => parseModelConfig(config, 'my-model')).toThrow(
      expect.objectContaining({ code: 'ERR_UNSUPPORTED', message: expect.stringContaining(`my-model: "${key}"`) }),
    )
  })

  it.each([
    ['vision_cfg has unknown key "widht" (did you mean "width"?)', vision({ widht: 64 })],
    ['text_cfg has unknown key "context_lenght" (did you mean "context_length"?)', text({ context_lenght: 77 })],
    ['the model config has unknown key "quickgelu" (did you mean "quick_gelu"?)', { ...tower, quickgelu: true }],
    ['"vision_cfg.width": expected number, got "64"', vision({ width: '64' })],
    ['"embed_dim": expected number, got nothing', { ...tower, embed_dim: undefined }],
    [
      '"vision_cfg.image_size": expected a whole number above 0 or a pair of them, got "big"',
      vision({ image_size: 'big' }),
    ],
    ['the model config: expected object, got 7', 7],
  ])('says %s', (message, config) => {
    expect(() => parseModelConfig(config, 'm')).toThrow(
      expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT', message: expect.stringContaining(message) }),
    )
  })

  const bert = { hf_config: { model_type: 'bert' }, pooler: 'cls', ln_final: false, proj: 'linear' }
  const withBert = (extra: object) => ({ ...tower, text_cfg: { ...bert, ...extra } })

  it('keeps all of an hf_config, and the names that open_clip has for its parts', () => {
    const path = new URL('../goldens/openclip-xlm-roberta/open_clip_config.json', import.meta.url)
    const config = JSON.parse(readFileSync(path, 'utf8')).model_cfg
    expect(parseModelConfig(config, 'm')).toEqual(config)
  })

  it.each([
    ['ERR_INVALID_ARGUMENT', 'unknown key "poolerr" (did you mean "pooler"?)', withBert({ poolerr: 'cls' })],
    ['ERR_INVALID_ARGUMENT', '"text_cfg.ln_final"', withBert({ ln_final: undefined })],
    ['ERR_UNSUPPORTED', '"text_cfg.hf_config.model_type": "t5"', withBert({ hf_config: { model_type: 't5' } })],
    [
      'ERR_UNSUPPORTED',
      '"relative_key"',
      withBert({ hf_config: { model_type: 'bert', position_embedding_type: 'relative_key' } }),
    ],
  ])('%s: %s', (code, message, config) => {
    expect(() => parseModelConfig(config, 'm')).toThrow(
      expect.objectContaining({ code, message: expect.stringContaining(message) }),
    )
  })

  it('copies what it is given', () => {
    const config = modelConfig('ViT-tiny-test')
    const copy = parseModelConfig(config, 'm')
    config.vision_cfg.width = 1
    expect(copy.vision_cfg.width).toBe(64)
  })
})
