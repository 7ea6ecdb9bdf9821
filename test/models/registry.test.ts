import { describe, expect, it } from 'vitest'
import { describeModel, listModels, modelConfig } from '../../lib/models/registry.js'

describe('modelConfig', () => {
  it("knows open_clip's models (resolve.test.ts has them all), Chinese-CLIP's, the reference's, and the small ones", () => {
    expect(
      listModels().filter(
        (name) => !/^(?:ViT|EVA0\d|PE-Core)-[A-Za-z]+(400M)?-\d\d(-|$)/.test(name) || name.includes('@'),
      ),
    ).toEqual([
      'ViT-B-16@RoBERTa-wwm-ext-base-chinese',
      'ViT-H-14@RoBERTa-wwm-ext-large-chinese',
      'ViT-L-14-336@RoBERTa-wwm-ext-base-chinese',
      'ViT-L-14@RoBERTa-wwm-ext-base-chinese',
      'ViT-Ti-8-quickstart',
      'ViT-Ti-8@BERT-quickstart',
      'openai-ViT-B-16',
      'openai-ViT-B-32',
      'self-cn-ViT-B-32',
    ])
    expect(modelConfig('ViT-L-14')).toEqual({
      embed_dim: 768,
      vision_cfg: { image_size: 224, layers: 24, width: 1024, patch_size: 14 },
      text_cfg: { context_length: 77, vocab_size: 49408, width: 768, heads: 12, layers: 12 },
    })
  })

  it.each([
    ['openai/VIT-B-32', 'openai-ViT-B-32'],
    ['openai/VIT-B-16', 'openai-ViT-B-16'],
    ['ViT-B/32', 'ViT-B-32'],
    ['self-cn/VIT-B-32', 'self-cn-ViT-B-32'],
    ['openai/clip-vit-base-patch32', 'ViT-B-32-quickgelu'],
    ['openai/clip-vit-base-patch16', 'ViT-B-16-quickgelu'],
    ['openai/clip-vit-large-patch14', 'ViT-L-14-quickgelu'],
    ['openai/clip-vit-large-patch14-336', 'ViT-L-14-336-quickgelu'],
    ['OFA-Sys/chinese-clip-vit-huge-patch14', 'ViT-H-14@RoBERTa-wwm-ext-large-chinese'],
  ])('takes %s for %s', (alias, name) => {
    expect(modelConfig(alias)).toEqual(modelConfig(name))
  })

  it("has the reference's own models: QuickGELU in the image tower, tanh GELU in a causal text tower, bilinear, RGB first", () => {
    for (const name of ['openai/VIT-B-16', 'openai/VIT-B-32']) {
      const { config, preprocess } = describeModel(name)
      expect([config.vision_cfg.act, config.text_cfg.act]).toEqual(['quick_gelu', 'gelu_tanh'])
      expect(preprocess).toMatchObject({ interpolation: 'bilinear', convert: 'before' })
    }
    expect(describeModel('self-cn/VIT-B-32').preprocess).toMatchObject({ interpolation: 'bilinear', convert: 'before' })
    expect(modelConfig('ViT-B-32-quickgelu').quick_gelu).toBe(true)
    expect(describeModel('ViT-B-32').preprocess).toMatchObject({ interpolation: 'bicubic' })
    expect(describeModel('ViT-B-32').preprocess).not.toHaveProperty('convert')
  })

  it('hands out copies', () => {
    modelConfig('ViT-B-32').embed_dim = 1
    expect(modelConfig('ViT-B-32').embed_dim).toBe(512)
  })

  it('offers the nearest names for an unknown one, or says what lists them where none is near', () => {
    expect(() => modelConfig('VitB32')).toThrow(
      expect.objectContaining({ code: 'ERR_UNKNOWN_MODEL', message: expect.stringMatching(/"VitB32".*ViT-B-32/) }),
    )
    expect(() => modelConfig('vit-b-16@roberta')).toThrow(
      'There is no model named "vit-b-16@roberta"; did you mean ViT-B-16@RoBERTa-wwm-ext-base-chinese?',
    )
    expect(() => modelConfig('something-else-entirely')).toThrow(
      'There is no model named "something-else-entirely"; clipwright models lists all names (listModels()).',
    )
    expect(() => modelConfig('siglip')).toThrow(/did you mean ViT-[^,]*, [^,]*, [^,]* and \d+ more\?$/)
  })

  it.each(['runs/first/checkpoints/best', './config.json', 'package.json', 'test'])(
    'says of %s that names are taken',
    (path) => {
      expect(() => modelConfig(path)).toThrow(/The name of a built-in model is expected here, no path\.$/)
    },
  )

  it('keeps to the folder of models', () => {
    expect(() => modelConfig('../../package')).toThrow(expect.objectContaining({ code: 'ERR_UNKNOWN_MODEL' }))
    expect(() => modelConfig('constructor')).toThrow(expect.objectContaining({ code: 'ERR_UNKNOWN_MODEL' }))
  })
})

describe('describeModel', () => {
  it("squashes pictures for Chinese-CLIP's models, SigLIP's and PE-Core's, and for no others", () => {
    const squashing = listModels().filter((name) => describeModel(name).preprocess.resize_mode === 'squash')
    expect(squashing).toEqual(listModels().filter((name) => /@RoBERTa-wwm-ext-|-SigLIP|^PE-Core-/.test(name)))
    expect(squashing).toHaveLength(4 + 26 + 5)
    const others = listModels().filter((name) => !squashing.includes(name))
    for (const name of others) expect(describeModel(name).preprocess.resize_mode).toBe('shortest')
    expect(describeModel('OFA-Sys/chinese-clip-vit-large-patch14-336px').preprocess).toEqual({
      size: 336,
      mean: [0.48145466, 0.4578275, 0.40821073],
      std: [0.26862954, 0.26130258, 0.27577711],
      interpolation: 'bicubic',
      resize_mode: 'squash',
    })
  })

  it('crops for a configuration', () => {
    const { config, preprocess } = describeModel(modelConfig('ViT-B-16@RoBERTa-wwm-ext-base-chinese'))
    expect(config).toEqual(modelConfig('ViT-B-16@RoBERTa-wwm-ext-base-chinese'))
    expect(preprocess.resize_mode).toBe('shortest')
  })
})
