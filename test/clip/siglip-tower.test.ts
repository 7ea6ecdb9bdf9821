/** SigLIP's image tower against transformers' SiglipModel, whose weights are given the names that open_clip has for them. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, afterEach, describe, expect, it, vi } from 'vitest'
import {
  readSafetensors,
  type WritableTensor,
  writeSafetensors,
} from '../../lib/checkpoint/formats/safetensors/safetensors.js'
import { Clip, type ModelConfig } from '../../lib/index.js'
import { BACKENDS, useBackend } from './emulated-cuda.js'
import { maxDifference, minCosine } from './golden.js'

const GOLDEN = fileURLToPath(new URL('../goldens/hf-siglip', import.meta.url))
const CONFIG: ModelConfig = {
  embed_dim: 64,
  custom_text: true,
  vision_cfg: {
    ...{ timm_model_name: 'vit_base_patch8_siglip_32', timm_pool: 'map', timm_proj: 'none' },
    ...{ width: 64, layers: 2, head_width: 32, act: 'gelu_tanh' },
  },
  text_cfg: { context_length: 16, vocab_size: 128, width: 48, heads: 3, layers: 1 },
}
const RENAMED: readonly (readonly [RegExp, string])[] = [
  [/^vision_model\.embeddings\.patch_embedding\./, 'patch_embed.proj.'],
  [/^vision_model\.encoder\.layers\./, 'blocks.'],
  [/^vision_model\.post_layernorm\./, 'norm.'],
  [/^vision_model\.head\.attention\.out_proj\./, 'attn_pool.proj.'],
  [/^vision_model\.head\.layernorm\./, 'attn_pool.norm.'],
  [/^vision_model\.head\./, 'attn_pool.'],
  [/\.self_attn\.out_proj\./, '.attn.proj.'],
  [/\.layer_norm(\d)\./, '.norm$1.'],
]
const folder = mkdtempSync(join(tmpdir(), 'clipwright-siglip-'))

afterEach(() => {
  vi.unstubAllEnvs()
})
afterAll(() => rmSync(folder, { recursive: true }))

/** In timm's names, q, k and v of a block in one tensor and those of the head in two. */
async function weights(): Promise<string> {
  const { tensors } = await readSafetensors(`${GOLDEN}/model.safetensors`)
  const floats = (key: string) => tensors[key]!.data as Float32Array
  const out: Record<string, WritableTensor> = {}
  const put = (name: string, shape: number[], ...parts: Float32Array[]) => {
    out[`visual.trunk.${name}`] = { shape, data: Float32Array.from(parts.flatMap((part) => [...part])) }
  }
  for (const [key, { shape }] of Object.entries(tensors)) {
    if (!key.startsWith('vision_model.') || /self_attn\.[qkv]_proj|in_proj|probe|position_embedding/.test(key)) continue
    put(
      RENAMED.reduce((name, [from, to]) => name.replace(from, to), key),
      [...shape],
      floats(key),
    )
  }
  put('pos_embed', [1, 16, 64], floats('vision_model.embeddings.position_embedding.weight'))
  put('attn_pool.latent', [1, 1, 64], floats('vision_model.head.probe'))
  for (const [kind, rest] of [
    ['weight', [64]],
    ['bias', []],
  ] as const) {
    for (const block of [0, 1]) {
      const part = (letter: string) => floats(`vision_model.encoder.layers.${block}.self_attn.${letter}_proj.${kind}`)
      put(`blocks.${block}.attn.qkv.${kind}`, [192, ...rest], part('q'), part('k'), part('v'))
    }
    const all = floats(`vision_model.head.attention.in_proj_${kind}`)
    put(`attn_pool.q.${kind}`, [64, ...rest], all.subarray(0, all.length / 3))
    put(`attn_pool.kv.${kind}`, [128, ...rest], all.subarray(all.length / 3))
  }
  const path = join(folder, 'model.safetensors')
  await writeSafetensors(path, out)
  return path
}

describe.each(BACKENDS)('on %s', (backend) => {
  it.each([
    ['fp32', 1],
    ['bf16', 0.999],
    ['fp16', 0.99999],
  ] as const)("has transformers' features in %s", async (precision, cosine) => {
    useBackend(backend)
    const { tensors } = await readSafetensors(`${GOLDEN}/golden.safetensors`)
    const expected = tensors['out.image_features']!.data as Float32Array
    const partly = { strict: false, allowPartial: true, onReport: () => {} }
    await using clip = await Clip.load(await weights(), { model: CONFIG, precision, ...partly })
    const images = { shape: tensors['input.images']!.shape, data: tensors['input.images']!.data as Float32Array }
    const { data } = await clip.encodeImages(images)
    expect(minCosine(data, expected, 64)).toBeGreaterThanOrEqual(cosine === 1 ? 0.999999 : cosine)
    if (precision === 'fp32') expect(maxDifference(data, expected)).toBeLessThanOrEqual(2e-5)
  })
})
