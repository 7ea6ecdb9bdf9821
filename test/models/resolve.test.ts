import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { parsePreprocessConfig } from '../../lib/image/parse-preprocess-config.js'
import type { ModelConfig } from '../../lib/models/config.js'
import { describeModel, isModelName, modelConfig } from '../../lib/models/registry.js'
import { resolveModel } from '../../lib/models/resolve.js'
import { native } from '../../lib/native/addon.js'

const preprocess = parsePreprocessConfig({}, 224, 'm')
const resolve = (config: ModelConfig) => resolveModel(config, preprocess, 'm')

describe('resolveModel', () => {
  it.each([
    ['ViT-B-32', 'gelu', 'gelu'],
    ["OpenAI's ViT-B-32-quickgelu", 'quick_gelu', 'quick_gelu'],
    ["the reference's openai/VIT-B-32", 'quick_gelu', 'gelu_tanh'],
  ])('gives the numbers of %s', (called, image, text) => {
    expect(resolve(modelConfig(called.split(' ').at(-1)!))).toEqual({
      embedDim: 512,
      initLogitScale: Math.log(1 / 0.07),
      vision: {
        kind: 'vit',
        imageSize: 224,
        patchSize: 32,
        width: 768,
        layers: 12,
        heads: 12,
        mlpWidth: 3072,
        activation: image,
        layerNormEps: 1e-5,
        classToken: true,
        lnPre: true,
        pool: 'token',
        poolFirst: false,
        sinCosPositions: false,
        mean: [0.48145466, 0.4578275, 0.40821073],
        std: [0.26862954, 0.26130258, 0.27577711],
      },
      text: {
        kind: 'causal',
        contextLength: 77,
        vocabSize: 49408,
        width: 512,
        layers: 12,
        heads: 8,
        mlpWidth: 2048,
        activation: text,
        layerNormEps: 1e-5,
        causal: {
          mask: true,
          projection: 'linear',
          projectionBias: false,
          pool: 'argmax',
          eosId: 2,
          padId: 0,
        },
      },
    })
  })

  it("fills in open_clip's defaults", () => {
    const m = resolve({ embed_dim: 16, vision_cfg: {}, text_cfg: {} })
    expect(m.vision).toMatchObject({
      imageSize: 224,
      patchSize: 16,
      width: 768,
      layers: 12,
      heads: 12,
      activation: 'gelu',
    })
    expect(m.text).toMatchObject({ contextLength: 77, vocabSize: 49408, width: 512, layers: 12, heads: 8 })
  })

  it('takes head_width, mlp_ratio, epsilon, tanh GELU, the initial scale and square pairs', () => {
    const m = resolve({
      embed_dim: 16,
      init_logit_scale: 1,
      vision_cfg: { width: 80, head_width: 20, mlp_ratio: 2.7, image_size: [40, 40], patch_size: 10 },
      text_cfg: { width: 64, heads: 4, norm_kwargs: { eps: 1e-6 }, act_kwargs: { approximate: 'tanh' } },
    })
    expect(m.initLogitScale).toBe(1)
    expect(m.vision).toMatchObject({ imageSize: 40, heads: 4, mlpWidth: 216, layerNormEps: 1e-5 })
    expect(m.text).toMatchObject({ layerNormEps: 1e-6, activation: 'gelu_tanh' })
  })

  it("takes the options of open_clip's towers", () => {
    const m = resolve({
      embed_dim: 512,
      vision_cfg: {
        ls_init_value: 1e-4,
        no_ln_pre: true,
        pool_type: 'avg',
        final_ln_after_pool: true,
        pos_embed_type: 'sin_cos_2d',
      },
      text_cfg: {
        no_causal_mask: true,
        ls_init_value: 0.1,
        pool_type: 'eos',
        eos_id: 7,
        pad_id: 1,
        proj_type: 'none',
        proj_bias: true,
      },
    })
    expect(m.vision).toMatchObject({
      layerScale: 1e-4,
      lnPre: false,
      pool: 'mean',
      poolFirst: true,
      sinCosPositions: true,
    })
    expect(m.text.causal).toEqual({
      mask: false,
      layerScale: 0.1,
      projection: 'none',
      projectionBias: false,
      pool: 'eos',
      eosId: 7,
      padId: 1,
    })
  })

  const tiny = (vision: object, text: object = {}, rest: object = {}): ModelConfig => ({
    embed_dim: 16,
    vision_cfg: { width: 64, image_size: 32, patch_size: 8, ...vision },
    text_cfg: { width: 64, heads: 2, ...text },
    ...rest,
  })
  it.each([
    ['ERR_INVALID_ARGUMENT', 'image_size: expected at most 16384, got 100000', tiny({ image_size: 100000 })],
    ['ERR_INVALID_ARGUMENT', 'patch_size 7 must divide image_size 32', tiny({ patch_size: 7 })],
    ['ERR_INVALID_ARGUMENT', 'head_width 24 must divide', tiny({ width: 80, head_width: 24 })],
    ['ERR_INVALID_ARGUMENT', 'head_width 128 must divide', tiny({ head_width: 128 })],
    ['ERR_INVALID_ARGUMENT', 'text_cfg.heads 3 must divide', tiny({}, { heads: 3 })],
    ['ERR_INVALID_ARGUMENT', 'act_kwargs', tiny({}, { act_kwargs: { approximate: 'tanh' } }, { quick_gelu: true })],
    [
      'ERR_INVALID_ARGUMENT',
      'multiple of 4, got 66',
      tiny({ width: 66, head_width: 33, pos_embed_type: 'sin_cos_2d' }),
    ],
    ['ERR_INVALID_ARGUMENT', 'proj_type "none" needs a width 64', tiny({}, { proj_type: 'none' })],
    ['ERR_INVALID_ARGUMENT', 'pad_id 9 must be an id below 9', tiny({}, { vocab_size: 9, pad_id: 9 })],
    ['ERR_INVALID_ARGUMENT', 'eos_id 2 must be an id below 2', tiny({}, { vocab_size: 2, pool_type: 'eos' })],
    ['ERR_UNSUPPORTED', '[32, 64] is not supported yet', tiny({ image_size: [32, 64] })],
  ])('%s: %s', (code, message, config) => {
    expect(() => resolve(config)).toThrow(expect.objectContaining({ code, message: expect.stringContaining(message) }))
  })
})

describe('a BERT-like tower', () => {
  it('has the numbers of bert-base-chinese in the reference', () => {
    expect(resolve(modelConfig('self-cn/VIT-B-32')).text).toEqual({
      kind: 'bert',
      contextLength: 512,
      vocabSize: 21128,
      width: 768,
      layers: 12,
      heads: 12,
      mlpWidth: 3072,
      activation: 'gelu',
      layerNormEps: 1e-12,
      bert: {
        positions: 512,
        firstPosition: 0,
        tokenTypes: 2,
        pooler: 'pooler',
        lnFinal: true,
        projection: { kind: 'linear', inputMajor: true, init: 'normal' },
        initStd: 0.02,
        hiddenDropout: 0.1,
        attentionDropout: 0.1,
        padId: 0,
      },
    })
  })

  const withText = (hf: object, text: object = {}): ModelConfig => ({
    embed_dim: 16,
    vision_cfg: {},
    text_cfg: {
      hf_config: { model_type: 'bert', ...hf } as never,
      pooler: 'cls',
      ln_final: false,
      proj: 'linear',
      ...text,
    },
  })

  it("fills in transformers' defaults, and counts RoBERTa's positions from the id after padding's", () => {
    const { text } = resolve(withText({}))
    expect(text).toMatchObject({ vocabSize: 30522, width: 768, layers: 12, heads: 12, mlpWidth: 3072 })
    const roberta = resolve(withText({ model_type: 'xlm-roberta', max_position_embeddings: 514 })).text
    expect(roberta).toMatchObject({
      contextLength: 512,
      bert: {
        positions: 514,
        firstPosition: 2,
        padId: 1,
        projection: { kind: 'linear', inputMajor: false, init: 'uniform' },
      },
    })
  })

  it.each([
    ['context_length 513 must fit', withText({}, { context_length: 513 })],
    ['num_attention_heads 5 must divide', withText({ num_attention_heads: 5 })],
    ['proj "none" needs', withText({}, { proj: 'none' })],
  ])('refuses: %s', (message, config) => {
    expect(() => resolve(config)).toThrow(
      expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT', message: expect.stringContaining(message) }),
    )
  })

  // In millions: https://github.com/OFA-Sys/Chinese-CLIP, "Model Card".
  it.each([
    ['ViT-B-16@RoBERTa-wwm-ext-base-chinese', 188, 86, 102],
    ['ViT-L-14@RoBERTa-wwm-ext-base-chinese', 406, 304, 102],
    ['ViT-L-14-336@RoBERTa-wwm-ext-base-chinese', 407, 304, 102],
    ['ViT-H-14@RoBERTa-wwm-ext-large-chinese', 958, 632, 326],
  ])('%s has the published number of parameters', (name, all, image, text) => {
    const parameters = native().parametersOf(resolve(modelConfig(name)))
    const millions = (match: RegExp) => Math.round(count(match) / 1e6)
    const count = (match: RegExp) =>
      parameters.filter((p) => match.test(p.name)).reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0)
    expect({ all: millions(/./), image: millions(/^visual\./), text: millions(/^t/) }).toEqual({ all, image, text })
  })
})

describe("open_clip's models by name", () => {
  // The sum over `parameters()` of what open_clip 3.3.0 builds of each name.
  const published: Record<string, number> = JSON.parse(
    readFileSync(new URL('../goldens/open_clip-parameters.json', import.meta.url), 'utf8'),
  )

  it('are all there', () => {
    expect(Object.keys(published)).toHaveLength(81)
    expect(Object.keys(published).filter((name) => !isModelName(name))).toEqual([])
  })

  it.each(Object.keys(published))('%s has as many parameters as in open_clip', (name) => {
    const { config, preprocess: own } = describeModel(name)
    const parameters = native().parametersOf(resolveModel(config, own, name))
    const count = parameters.reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0)
    expect(count).toBe(published[name])
  })
})
