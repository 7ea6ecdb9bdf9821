import { describe, expect, it } from 'vitest'
import type { Layout } from '../../../lib/checkpoint/layouts/ids.js'
import { isIgnored, recogniseLayout, tensorNames } from '../../../lib/checkpoint/layouts/table.js'
import { describe as describeModel } from '../../../lib/models/description.js'
import { modelConfig } from '../../../lib/models/registry.js'
import { resolveModel } from '../../../lib/models/resolve.js'
import { native } from '../../../lib/native/addon.js'

const CAUSAL = modelConfig('ViT-tiny-test')
const bert = (text: object, model_type = 'bert') => {
  const hf_config = { model_type, vocab_size: 50, hidden_size: 32, num_hidden_layers: 1, num_attention_heads: 2 }
  const text_cfg = { hf_config, pooler: 'cls', ln_final: false, proj: 'linear', ...text }
  const { config } = describeModel({ ...CAUSAL, text_cfg }, {}, 'x')
  return config
}
const CHINESE = bert({})
const configOf = (layout: Layout) => (layout === 'open_clip' || layout === 'openai' ? CAUSAL : CHINESE)

describe('a layout leaves unread', () => {
  it.each<[Layout, string[]]>([
    ['open_clip', ['attn_mask', 'transformer.resblocks.0.attn_mask', 'text.transformer.embeddings.position_ids']],
    ['open_clip', ['input_resolution', 'context_length', 'vocab_size']],
    ['openai', ['input_resolution', 'context_length', 'vocab_size']],
    ['reference-cn', ['transformer.embeddings.position_ids', 'transformer.embeddings.token_type_ids']],
    ['hf', ['text_model.embeddings.position_ids', 'text_model.embeddings.token_type_ids']],
    ['hf', ['text_model.pooler.dense.weight', 'text_model.pooler.dense.bias']],
  ])('%s: %j', (layout, names) => {
    expect(names.filter((name) => !isIgnored(tensorNames(layout, configOf(layout)), name))).toEqual([])
  })

  it.each<[Layout, string[]]>([
    ['open_clip', ['visual.attn_masks', 'embeddings', 'pooler.dense.bias']],
    ['openai', ['attn_mask', 'visual.vocab_size']],
    ['reference-cn', ['input_resolution', 'transformer.pooler.dense.weight']],
    ['hf', ['vocab_size', 'text_model.poolers']],
  ])('%s, but not: %j', (layout, names) => {
    expect(names.filter((name) => isIgnored(tensorNames(layout, configOf(layout)), name))).toEqual([])
  })
})

describe("CLIPModel's names", () => {
  it('leave the positions unread that older versions stored, but no pooler', () => {
    const names = tensorNames('hf', CAUSAL)
    for (const tower of ['text_model', 'vision_model']) {
      expect(isIgnored(names, `${tower}.embeddings.position_ids`)).toBe(true)
    }
    expect(isIgnored(names, 'text_model.pooler.dense.weight')).toBe(false)
  })
})

describe('a file is recognised by its names', () => {
  const preprocess = describeModel(CHINESE, {}, 'x').preprocess
  const parameters = native().parametersOf(resolveModel(CHINESE, preprocess, 'x'))
  const namesIn = (layout: Layout) => {
    const { partsOf } = tensorNames(layout, CHINESE)
    return parameters.flatMap((p) => partsOf(p).map(({ name }) => name))
  }
  const recognised = (names: string[]) => recogniseLayout(parameters, new Map(names.map((n) => [n, 0])), CHINESE).names

  it('of Hugging Face, of the reference, and of Chinese-CLIP, whose pooler and buffers are left', () => {
    expect(recognised(namesIn('hf'))).toBe(tensorNames('hf', CHINESE))
    expect(recognised(namesIn('reference-cn'))).toBe(tensorNames('open_clip', CHINESE)) // the same names
    const own = recognised(namesIn('reference-cn').map((name) => name.replace(/^transformer\./, 'bert.')))
    expect(own.partsOf(parameters.at(-1)!)[0]!.name).not.toMatch(/^transformer/)
    for (const name of ['bert.pooler.dense.bias', 'bert.embeddings.position_ids'])
      expect(isIgnored(own, name)).toBe(true)
    expect(isIgnored(own, 'bert.poolers')).toBe(false)
  })

  it('only among the layouts that the model has', () => {
    const { preprocess: own } = describeModel(CAUSAL, {}, 'x')
    const causal = native().parametersOf(resolveModel(CAUSAL, own, 'x'))
    // The image tower's names in CLIPModel are those of ChineseCLIPModel.
    const named = new Map(namesIn('hf').map((name) => [name, 0]))
    expect(recogniseLayout(causal, named, CAUSAL).names).toBe(tensorNames('hf', CAUSAL))
    const theirs = new Map(namesIn('reference-cn').map((name) => [name, 0]))
    expect(recogniseLayout(causal, theirs, CAUSAL).names).toBe(tensorNames('open_clip', CAUSAL))
  })
})

describe('a layout is refused', () => {
  it.each<[Layout, object, string]>([
    ['reference-cn', CAUSAL, 'its text tower is no BERT; supported for it: open_clip, hf, openai, onnx.'],
    ['openai', CHINESE, 'its text tower is a BERT; supported for it: open_clip, hf, reference-cn, onnx.'],
    [
      'hf',
      bert({ proj: 'mlp' }),
      'ChineseCLIPModel has no projection "mlp" and SiglipModel\'s image tower is SigLIP\'s; supported for it: open_clip, reference-cn, onnx.',
    ],
    ['hf', bert({ pooler: 'pooler' }), 'no pooler "pooler"'],
    ['hf', bert({ ln_final: true }), 'no ln_final'],
    ['hf', bert({}, 'xlm-roberta'), "its names are those of open_clip and SiglipModel's"],
    ['reference-cn', bert({}, 'xlm-roberta'), 'its names are those of open_clip; supported for it: open_clip, onnx.'],
  ])('%s', (layout, config, message) => {
    expect(() => tensorNames(layout, config as never)).toThrow(
      expect.objectContaining({ code: 'ERR_UNSUPPORTED', message: expect.stringContaining(message) }),
    )
  })
})
