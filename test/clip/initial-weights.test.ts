import { expect, test } from 'vitest'
import { Clip, type ModelConfig } from '../../lib/index.js'

const W = 48
const LAYERS = 3
const MLP = 4 * W
const EMBED = 40
const vision_cfg = { image_size: 32, patch_size: 8, width: W, layers: LAYERS, head_width: 16 }

const normal = (deviation: number) => ({ deviation, largest: Number.POSITIVE_INFINITY })
const uniform = (bound: number) => ({ deviation: bound / Math.sqrt(3), largest: bound })
const constant = (value: number) => ({ deviation: 0, largest: value, mean: value })
/** nn.Linear's and nn.Conv2d's own. */
const linear = (fanIn: number) => uniform(fanIn ** -0.5)
type Expected = { deviation: number; largest: number; mean?: number }
type Rule = [name: RegExp, expected: Expected]

/** open_clip's VisionTransformer leaves what PyTorch's modules begin with, but for four tensors. */
const IMAGES: Rule[] = [
  [/^visual\.(class_embedding|positional_embedding|proj)$/, normal(W ** -0.5)],
  [/^visual\.conv1\.weight$/, linear(3 * 8 * 8)],
  [/^visual\..*attn\.in_proj_weight$/, uniform(Math.sqrt(6 / (W + 3 * W)))],
  [/^visual\..*(out_proj\.weight|c_fc\.(weight|bias))$/, linear(W)],
  [/^visual\..*c_proj\.(weight|bias)$/, linear(MLP)],
  [/^visual\..*(in_proj_bias|out_proj\.bias)$/, constant(0)],
]
const NORMS: Rule[] = [
  [/(ln_\w+|LayerNorm)\.weight$/, constant(1)],
  [/(ln_\w+|LayerNorm)\.bias$/, constant(0)],
  [/^logit_scale$/, constant(Math.log(1 / 0.07))],
]
/** TextTransformer.init_parameters. */
const CAUSAL: Rule[] = [
  [/^token_embedding\.weight$/, normal(0.02)],
  [/^positional_embedding$/, normal(0.01)],
  [/^transformer.*in_proj_weight$/, normal(W ** -0.5)],
  [/^transformer.*(out_proj|c_proj)\.weight$/, normal(W ** -0.5 * (2 * LAYERS) ** -0.5)],
  [/^transformer.*c_fc\.weight$/, normal((2 * W) ** -0.5)],
  [/^transformer.*c_fc\.bias$/, linear(W)],
  [/^transformer.*c_proj\.bias$/, linear(MLP)],
  [/^transformer.*(in_proj_bias|out_proj\.bias)$/, constant(0)],
  [/^text_projection$/, normal(W ** -0.5)],
]
/** transformers' BertPreTrainedModel._init_weights. */
const BERT: Rule[] = [
  [/transformer\.(embeddings\.\w+_embeddings|encoder.*|pooler\.dense)\.weight$/, normal(0.03)],
  [/transformer\.(encoder|pooler).*\.bias$/, constant(0)],
]

const causal = { context_length: 16, vocab_size: 600, width: W, heads: 3, layers: LAYERS }
const bert = {
  hf_config: {
    model_type: 'bert',
    vocab_size: 600,
    hidden_size: W,
    num_hidden_layers: LAYERS,
    num_attention_heads: 3,
    intermediate_size: MLP,
    max_position_embeddings: 32,
    initializer_range: 0.03,
  },
} as const

test.each<[string, object, Rule[]]>([
  ["CLIP's causal tower", causal, CAUSAL],
  [
    "the reference's BERT",
    { ...bert, pooler: 'pooler', ln_final: true, proj: 'linear' },
    [...BERT, [/^text_projection$/, normal(W ** -0.5)]],
  ],
  [
    "open_clip's XLM-RoBERTa",
    {
      hf_config: { ...bert.hf_config, model_type: 'xlm-roberta', type_vocab_size: 1, pad_token_id: 1 },
      pooler: 'mean',
      ln_final: false,
      proj: 'mlp',
    },
    [...BERT, [/^text\.proj\.0\.weight$/, linear(W)], [/^text\.proj\.2\.weight$/, linear((W + EMBED) >> 1)]],
  ],
])('%s begins as in PyTorch', async (_, text_cfg, texts) => {
  await using clip = await Clip.create({ embed_dim: EMBED, vision_cfg, text_cfg } as ModelConfig, { seed: 5 })
  const rules = [...NORMS, ...IMAGES, ...texts]
  const used = new Set<Rule>()
  for (const parameter of clip.parameters()) {
    const rule = rules.find(([name]) => name.test(parameter.name))
    expect(rule, parameter.name).toBeDefined()
    used.add(rule!)
    const { deviation, largest, mean = 0 } = rule![1]
    const { data } = await parameter.read()
    let [sum, most] = [0, 0]
    for (const x of data) [sum, most] = [sum + (x - mean) ** 2, Math.max(most, Math.abs(x))]
    const found = Math.sqrt(sum / data.length)
    // Five deviations of the estimate; of f32's rounding where all values are one.
    const tolerance = 1e-6 + (5 * deviation) / Math.sqrt(2 * data.length)
    expect(Math.abs(found - deviation), `${parameter.name}: ${found}, not ${deviation}`).toBeLessThan(tolerance)
    expect(most, parameter.name).toBeLessThanOrEqual(largest * (1 + 1e-6))
  }
  expect(used.size).toBe(rules.length)
})
