/** A model small enough to make anew in each test, and inputs for it. */

import type { Pixels, Tensor, Tokens } from '../../lib/base/types.js'
import { Clip } from '../../lib/clip/clip.js'
import type { CreateOptions } from '../../lib/clip/open-options.js'
import type { ModelConfig } from '../../lib/models/config.js'

export const TINY: ModelConfig = {
  embed_dim: 16,
  vision_cfg: { image_size: 16, patch_size: 8, width: 32, layers: 1, head_width: 16 },
  text_cfg: { context_length: 8, vocab_size: 50, width: 32, heads: 2, layers: 1 },
}

/** One layer, with the whole Chinese vocabulary, in the form that Chinese-CLIP's models have. */
export const TINY_CHINESE: ModelConfig = {
  embed_dim: 16,
  quick_gelu: true,
  vision_cfg: { image_size: 16, patch_size: 8, width: 32, layers: 1, head_width: 16 },
  text_cfg: {
    hf_config: {
      model_type: 'bert',
      vocab_size: 21128,
      hidden_size: 32,
      num_hidden_layers: 1,
      num_attention_heads: 2,
      intermediate_size: 64,
      max_position_embeddings: 24,
    },
    pooler: 'cls',
    ln_final: false,
    proj: 'linear',
  },
}
export function tiny(options: CreateOptions = {}): Promise<Clip> {
  return Clip.create(TINY, options)
}

export function images(n: number): Tensor {
  const data = Float32Array.from({ length: n * 3 * 16 * 16 }, (_, i) => Math.sin(i * i + 1))
  return { shape: [n, 3, 16, 16], data }
}

export function pixels(n: number): Pixels {
  const data = Uint8Array.from({ length: n * 16 * 16 * 3 }, (_, i) => (i * i * 7 + i) % 256)
  return { shape: [n, 16, 16, 3], data }
}

/** Captions of 2 to 8 ids that end in 49, then zeros. */
export function tokens(n: number): Tokens {
  const data = new Int32Array(n * 8)
  for (let row = 0; row < n; row++) {
    const length = 2 + (row % 7)
    for (let i = 0; i < length - 1; i++) data[row * 8 + i] = i === 0 ? 48 : 1 + ((row * 5 + i * 11) % 47)
    data[row * 8 + length - 1] = 49
  }
  return { shape: [n, 8], data }
}
