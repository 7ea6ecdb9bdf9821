import { describe, expect, it } from 'vitest'
import { fromChineseClip, toChineseClip } from '../../../../../lib/checkpoint/layouts/hf/chinese-clip/config.js'
import { describe as describeModel } from '../../../../../lib/models/description.js'
import { resolveModel } from '../../../../../lib/models/resolve.js'

const through = (config: object) => {
  const { config: parsed, preprocess } = describeModel(fromChineseClip(config, 'x'), {}, 'x')
  return toChineseClip(resolveModel(parsed, preprocess, 'x'))
}

/** No two numbers alike, and none a default of transformers. */
const ODD = {
  projection_dim: 48,
  logit_scale_init_value: 1.5,
  text_config: {
    vocab_size: 99,
    hidden_size: 24,
    num_hidden_layers: 3,
    num_attention_heads: 4,
    intermediate_size: 50,
    hidden_act: 'quick_gelu',
    max_position_embeddings: 33,
    type_vocab_size: 5,
    initializer_range: 0.05,
    layer_norm_eps: 1e-6,
    pad_token_id: 2,
    position_embedding_type: 'absolute',
  },
  vision_config: {
    hidden_size: 22,
    // 22 · (30 / 22) is less than 30 in doubles.
    intermediate_size: 30,
    num_hidden_layers: 7,
    num_attention_heads: 1,
    image_size: 56,
    patch_size: 14,
    hidden_act: 'gelu',
    layer_norm_eps: 1e-4,
  },
}

describe("ChineseCLIPModel's configuration", () => {
  it("has transformers' defaults", () => {
    expect(fromChineseClip({}, 'x')).toEqual({
      embed_dim: 512,
      init_logit_scale: 2.6592,
      quick_gelu: true,
      vision_cfg: { image_size: 224, patch_size: 32, width: 768, layers: 12, head_width: 64 },
      text_cfg: { hf_config: { model_type: 'bert' }, pooler: 'cls', ln_final: false, proj: 'linear' },
    })
  })

  it('comes back as it was, every number in its place', () => {
    expect(through(ODD)).toMatchObject(ODD)
  })

  it.each([
    ['quick_gelu', 'quick_gelu'],
    ['gelu', 'gelu'],
    ['gelu_new', 'gelu_pytorch_tanh'],
    ['gelu_pytorch_tanh', 'gelu_pytorch_tanh'],
  ])('has the image tower’s activation %s as %s', (given, expected) => {
    const vision_config = { ...ODD.vision_config, hidden_act: given }
    expect(through({ ...ODD, vision_config })).toMatchObject({ vision_config: { hidden_act: expected } })
  })
})
