import { describe, expect, it } from 'vitest'
import { trainFlopsPerPair } from '../../lib/models/flops.js'
import type { BertTextConfig } from '../../lib/models/model-config.js'
import { describeModel } from '../../lib/models/registry.js'
import { resolveModel } from '../../lib/models/resolve.js'

const NAME = 'ViT-Ti-8@BERT-quickstart'
function flops(tokens: number, change: Partial<Pick<BertTextConfig, 'pooler' | 'proj'>> = {}, embedDim = 192): number {
  const { config, preprocess } = describeModel(NAME)
  const text = { ...config.text_cfg, ...change } as BertTextConfig
  return trainFlopsPerPair(resolveModel({ ...config, embed_dim: embedDim, text_cfg: text }, preprocess, NAME), tokens)
}

describe('trainFlopsPerPair of a BERT tower (4 layers of 192, MLPs of 768, 20 tokens)', () => {
  // Multiply-adds by hand. A whole block: q, k, v and the output are 4·192², the MLP 2·192·768 a token; logits and
  // weighted values 2·20²·192.
  const block = 20 * (147_456 + 294_912) + 153_600
  // The last block for [CLS] alone: k and v of all tokens, q, output and MLP of one, one row of logits and values.
  const lastBlock = 20 * 73_728 + (73_728 + 294_912) + 7_680
  const text = 3 * block + lastBlock + 192 * 192
  const ratio = 2 * 3 // 2 a multiply-add, the backward pass twice the forward one

  it('counts the whole model as worked out by hand', () => {
    expect([block, lastBlock, text]).toEqual([9_000_960, 1_850_880, 28_890_624])
    // The image tower, 6 layers of 192 over 64 patches and [CLS], and its projection; the patch embedding twice forward.
    const image = 5 * 30_376_320 + 5_185_920 + 192 * 192
    const patches = 64 * 3 * 8 ** 2 * 192
    expect(flops(20)).toBe(ratio * (image + text) + 2 * 2 * patches)
    expect(flops(20)).toBe(1_125_407_232)
  })

  it('adds a pooler, all rows of the last block for a mean, and the wider projection', () => {
    expect(flops(20, { pooler: 'pooler' }) - flops(20)).toBe(ratio * 192 * 192)
    expect(flops(20, { pooler: 'mean' }) - flops(20)).toBe(ratio * (block - lastBlock))
    // 192 → (192 + 64) / 2 → 64 in place of 192 → 64
    expect(flops(20, { proj: 'mlp' }, 64) - flops(20, {}, 64)).toBe(ratio * (192 * 128 + 128 * 64 - 192 * 64))
    expect(flops(20) - flops(20, { proj: 'none' })).toBe(ratio * 192 * 192)
  })
})
