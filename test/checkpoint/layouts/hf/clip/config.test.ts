import { describe, expect, it, vi } from 'vitest'
import { fromClip, toClip } from '../../../../../lib/checkpoint/layouts/hf/clip/config.js'
import { describe as describeModel } from '../../../../../lib/models/description.js'
import { modelConfig } from '../../../../../lib/models/registry.js'
import { resolveModel } from '../../../../../lib/models/resolve.js'

const through = (config: object) => {
  const { config: parsed, preprocess } = describeModel(fromClip(config, 'x'), {}, 'x')
  return toClip(resolveModel(parsed, preprocess, 'x'))
}

/** No two numbers alike, and none a default of transformers. */
const ODD = {
  projection_dim: 48,
  logit_scale_init_value: 1.5,
  text_config: {
    vocab_size: 99,
    hidden_size: 24,
    // 22 · (30 / 22) is less than 30 in doubles.
    intermediate_size: 50,
    num_hidden_layers: 3,
    num_attention_heads: 4,
    hidden_act: 'gelu_pytorch_tanh',
    max_position_embeddings: 33,
    layer_norm_eps: 1e-6,
    bos_token_id: 97,
    eos_token_id: 98,
  },
  vision_config: {
    hidden_size: 22,
    intermediate_size: 30,
    num_hidden_layers: 7,
    num_attention_heads: 1,
    image_size: 56,
    patch_size: 14,
    hidden_act: 'gelu',
    layer_norm_eps: 1e-4,
  },
}

describe("CLIPModel's configuration", () => {
  it("has transformers' defaults", () => {
    expect(fromClip({}, 'x')).toEqual({
      embed_dim: 512,
      init_logit_scale: 2.6592,
      quick_gelu: true,
      vision_cfg: { image_size: 224, patch_size: 32, width: 768, layers: 12, head_width: 64 },
      text_cfg: { context_length: 77, vocab_size: 49408, width: 512, layers: 12, heads: 8 },
    })
    expect(fromClip({ text_config: null, vision_config: null }, 'x')).toEqual(fromClip({}, 'x'))
  })

  it("is the one that OpenAI's largest model has", () => {
    const large = { hidden_size: 1024, intermediate_size: 4096, num_attention_heads: 16, num_hidden_layers: 24 }
    const config = {
      projection_dim: 768,
      // As OpenAI's first uploads had it: the first of each pair says what transformers does not go by.
      text_config: { hidden_size: 512, eos_token_id: 7, num_hidden_layers: 1 },
      text_config_dict: { hidden_size: 768, intermediate_size: 3072, num_attention_heads: 12 },
      vision_config: { hidden_size: 768, patch_size: 16, hidden_act: 'gelu' },
      vision_config_dict: { ...large, patch_size: 14 },
    }
    const resolved = (model: object) => {
      const { config: parsed, preprocess } = describeModel(model as never, {}, 'x')
      return { ...resolveModel(parsed, preprocess, 'x'), initLogitScale: 0 }
    }
    expect(resolved(fromClip(config, 'x'))).toEqual(resolved(modelConfig('ViT-L-14-quickgelu')))
  })

  it('comes back as it was, every number in its place', () => {
    expect(through(ODD)).toMatchObject(ODD)
  })

  it.each([
    ['quick_gelu', 'quick_gelu'],
    ['quick_gelu', 'gelu'],
    ['gelu_new', 'quick_gelu'],
    ['gelu', 'gelu_new'],
    ['gelu', 'gelu'],
  ])('has the activations of both towers: %s, %s', (images, texts) => {
    const config = {
      text_config: { ...ODD.text_config, hidden_act: texts },
      vision_config: { ...ODD.vision_config, hidden_act: images },
    }
    const named = (act: string) => ({ hidden_act: act.replace('gelu_new', 'gelu_pytorch_tanh') })
    expect(through(config)).toMatchObject({ text_config: named(texts), vision_config: named(images) })
  })

  it.each([
    ['is CLIP’s own', {}],
    ['is the last', { vocab_size: 99, eos_token_id: 98 }],
    ['was not looked at', { vocab_size: 500, eos_token_id: 2 }],
  ])('is taken where the id of the end %s', (_, text_config) => {
    expect(() => fromClip({ text_config }, 'x')).not.toThrow()
  })

  it.each([
    ['text_config', 'attention_dropout'],
    ['vision_config', 'attention_dropout'],
    ['vision_config', 'dropout'],
  ])('warns of a rate that training leaves out: %s.%s', async (tower, key) => {
    const warned = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
    fromClip({ [tower]: { [key]: 0 } }, 'x')
    expect(warned).not.toHaveBeenCalled()
    fromClip({ [tower]: { [key]: 0.1 } }, 'x')
    expect(warned).toHaveBeenCalledWith(expect.stringContaining(`${tower}.${key} 0.1 is left out in training`), {
      code: 'CLIPWRIGHT_DROPOUT',
    })
    warned.mockRestore()
  })

  it('pools where texts end, wherever the id of the end lies, and says so again', () => {
    const config = { text_config: { ...ODD.text_config, vocab_size: 600, eos_token_id: 17 } }
    expect(fromClip(config, 'x').text_cfg).toMatchObject({ pool_type: 'eos', eos_id: 17 })
    expect(through(config)).toMatchObject({ text_config: { vocab_size: 600, eos_token_id: 17 } })
  })

  it.each([
    ['ERR_UNSUPPORTED', 'text_config.eos_token_id 49410 is not supported', { text_config: { eos_token_id: 49410 } }],
    ['ERR_UNSUPPORTED', 'text_config.eos_token_id [1,2]', { text_config: { eos_token_id: [1, 2] } }],
    ['ERR_UNSUPPORTED', 'text_config.eos_token_id null', { text_config: { eos_token_id: null } }],
    ['ERR_UNSUPPORTED', 'text_config.hidden_act "relu"', { text_config: { hidden_act: 'relu' } }],
    ['ERR_UNSUPPORTED', 'vision_config.hidden_act "toString"', { vision_config: { hidden_act: 'toString' } }],
    ['ERR_FORMAT', 'num_attention_heads 5 must divide', { text_config: { num_attention_heads: 5 } }],
    ['ERR_FORMAT', '"projection_dim"', { projection_dim: 0 }],
    ['ERR_FORMAT', '"vision_config.num_channels"', { vision_config: { num_channels: 1 } }],
  ])('is refused with %s: %s', (code, message, config) => {
    expect(() => fromClip(config, 'x')).toThrow(
      expect.objectContaining({ code, message: expect.stringContaining(message) }),
    )
  })
})
