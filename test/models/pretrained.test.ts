import { describe, expect, it } from 'vitest'
import { listModels, listPretrained } from '../../lib/index.js'
import { pretrainedModel, pretrainedRepositories } from '../../lib/models/pretrained.js'
import { rejection } from '../checkpoint/weights.js'

const thrown = (work: () => unknown) => {
  try {
    work()
  } catch (error) {
    return error
  }
}

describe('pretrained weights', () => {
  it('are listed by model and tag, of models that can be built', () => {
    const all = listPretrained()
    expect(all).toContainEqual({
      model: 'ViT-B-32',
      tag: 'laion2b_s34b_b79k',
      repository: 'laion/CLIP-ViT-B-32-laion2B-s34B-b79K',
    })
    expect(all.filter(({ model }) => !listModels().includes(model))).toEqual([])
    expect(listPretrained('ViT-B-16').map(({ tag }) => tag)).toContain('openai')
    expect(listPretrained('ViT-B/16')).toHaveLength(listPretrained('ViT-B-16').length)
    expect(listPretrained('constructor')).toEqual([])
  })

  it('of a quick model are those with QuickGELU', () => {
    const tags = listPretrained('ViT-B-32-quickgelu').map(({ tag }) => tag)
    expect(tags).toEqual(['openai', 'laion400m_e31', 'laion400m_e32', 'metaclip_400m', 'metaclip_fullcc'])
  })

  it('name repositories as owner/name', () => {
    for (const repository of pretrainedRepositories()) expect(repository).toMatch(/^[\w.-]+\/[\w.-]+$/)
  })
})

describe('a pretrained model', () => {
  it('has the activation and the statistics that its weights were trained with', () => {
    const openai = pretrainedModel('ViT-B-32', 'OpenAI')
    expect(openai).toMatchObject({ repository: 'timm/vit_base_patch32_clip_224.openai', config: { quick_gelu: true } })
    expect(pretrainedModel('ViT-B-32', 'laion2b-s34b-b79k').config).not.toHaveProperty('quick_gelu')
    const inception = pretrainedModel('ViT-L-14', 'laion2b_s32b_b82k')
    expect(inception.preprocess).toMatchObject({ mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5], resize_mode: 'shortest' })
  })

  it('has a tag that is known', () => {
    const near = rejection(
      'ERR_UNKNOWN_MODEL',
      'ViT-B-32 has no weights "laion2b_s34b_b97k"; did you mean laion2b_s34b_b79k?',
    )
    expect(thrown(() => pretrainedModel('ViT-B-32', 'laion2b_s34b_b97k'))).toEqual(near)
    expect(thrown(() => pretrainedModel('self-cn/VIT-B-32', 'openai'))).toEqual(
      rejection('ERR_UNKNOWN_MODEL', 'has no pretrained weights that are known by a tag'),
    )
    expect(thrown(() => pretrainedModel('ViT-B-33', 'openai'))).toEqual(
      rejection('ERR_UNKNOWN_MODEL', 'There is no model named "ViT-B-33"'),
    )
  })
})
