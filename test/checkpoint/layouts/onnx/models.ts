/** Small models of the kinds of towers that have graphs, and what comes out of them beside what a graph computes. */
import { expect } from 'vitest'
import { Clip, type ModelConfig } from '../../../../lib/index.js'
import { images, TINY, TINY_CHINESE, tokens } from '../../../clip/tiny.js'
import type { Value } from './decode.js'

const { hf_config, ...chinese } = TINY_CHINESE.text_cfg
export const bert = (text: object): ModelConfig => ({
  ...TINY_CHINESE,
  text_cfg: {
    ...chinese,
    hf_config: { ...hf_config, vocab_size: 50, num_hidden_layers: 2 },
    context_length: 8,
    ...text,
  } as never,
})
/** As open_clip's xlm-roberta-base-ViT-B-32, of which only the ids of these texts are another padding. */
const ROBERTA = bert({
  pooler: 'mean',
  proj: 'mlp',
  hf_config: {
    ...hf_config,
    model_type: 'xlm-roberta',
    vocab_size: 50,
    num_hidden_layers: 2,
    pad_token_id: 0,
    type_vocab_size: 1,
    layer_norm_eps: 1e-5,
  },
})
/** SigLIP's, whose pictures have an edge that no patch covers. */
const SIGLIP: ModelConfig = {
  embed_dim: 32,
  init_logit_bias: -3,
  custom_text: true,
  vision_cfg: {
    timm_model_name: 'vit_base_patch16_siglip_224',
    timm_pool: 'map',
    timm_proj: 'none',
    image_size: 16,
    patch_size: 7,
    width: 32,
    layers: 2,
    head_width: 16,
  },
  text_cfg: {
    ...TINY.text_cfg,
    act_kwargs: { approximate: 'tanh' },
    no_causal_mask: true,
    pool_type: 'last',
    proj_bias: true,
    pad_id: 1,
  } as never,
}
/** The second id of the second row; the others have none, and are pooled at their first. */
const EOS = { no_causal_mask: true, pool_type: 'eos', eos_id: 17, norm_kwargs: { eps: 1e-3 } }
export const MODELS: [string, ModelConfig][] = [
  ['a causal tower', TINY],
  ['QuickGELU', { ...TINY, quick_gelu: true }],
  [
    'GELU by tanh, an MLP of another width, eps',
    {
      ...TINY,
      vision_cfg: {
        ...TINY.vision_cfg,
        act_kwargs: { approximate: 'tanh' },
        mlp_ratio: 2.5,
        norm_kwargs: { eps: 0.01 },
      } as never,
      text_cfg: { ...TINY.text_cfg, layers: 2, norm_kwargs: { eps: 0.02 } } as never,
    },
  ],
  ['towers for the sigmoid loss', SIGLIP],
  ['a text tower without a mask, pooled at an end token', { ...TINY, text_cfg: { ...TINY.text_cfg, ...EOS } as never }],
  [
    'a text tower pooled at its first row, without a projection',
    { ...TINY, text_cfg: { ...TINY.text_cfg, width: 16, pool_type: 'first', proj_type: 'none' } as never },
  ],
  ['a BERT', bert({})],
  ['a BERT, its rows averaged, two layers of projection', bert({ pooler: 'mean', proj: 'mlp' })],
  ['an XLM-R, whose positions begin behind padding, with two layers of projection', ROBERTA],
  [
    'a BERT with a pooler, ln_final and no projection',
    { ...bert({ pooler: 'pooler', ln_final: true, proj: 'none' }), embed_dim: 32 },
  ],
]

/** Weights that are neither nought nor one, where a mistake would not show. */
export async function ruffled(config: ModelConfig): Promise<Clip> {
  const clip = await Clip.create(config, { device: 'cpu', seed: 3 })
  for (const parameter of clip.parameters()) {
    if (parameter.name === 'logit_scale') continue
    const { shape, data } = await parameter.read()
    await parameter.write({ shape, data: data.map((x, i) => x + 0.1 * Math.sin(i * i + data.length)) })
  }
  return clip
}

/** Of different lengths, without the last id in the middle. */
export const IDS = tokens(4)
const MASK = Int32Array.from(IDS.data, (id) => Number(id !== 0))

export const value = ({ shape, data }: { shape: readonly number[]; data: ArrayLike<number> }): Value => ({
  shape: [...shape],
  data: Array.from(data),
})
export const feeds = {
  input_ids: value(IDS),
  attention_mask: value({ shape: IDS.shape, data: MASK }),
  pixel_values: value(images(3)),
}

export function difference(found: Value | undefined, wanted: ArrayLike<number>): number {
  expect(found?.data.length).toBe(wanted.length)
  return Math.max(...Array.from(wanted, (x, i) => Math.abs(x - found!.data[i]!)))
}
