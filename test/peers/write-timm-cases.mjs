// Writes models with towers of timm (SigLIP's as folders of SiglipModel and of open_clip, EVA's and Perception Encoder's of
// open_clip), and what clipwright computes with them: the other half of the comparison is timm_towers_test.py.
// Run: node test/peers/write-timm-cases.mjs FOLDER
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { Clip, writeSafetensors } from 'clipwright'

const folder = process.argv[2]
const vision = { timm_model_name: 'vit_base_patch16_siglip_224', timm_pool: 'map', timm_proj: 'none' }
const text = { context_length: 16, vocab_size: 100, heads: 3, layers: 2, norm_kwargs: { eps: 1e-6 } }
const way = { no_causal_mask: true, pool_type: 'last', proj_bias: true, pad_id: 1 }
const bias = { init_logit_bias: -4 }
const causal = { context_length: 16, vocab_size: 100, width: 48, heads: 3, layers: 2 }
const timm = (timm_model_name, image_size, embed_dim, timm_pool = 'token') => ({
  embed_dim,
  vision_cfg: { timm_model_name, timm_model_pretrained: false, timm_pool, timm_proj: null, image_size },
  text_cfg: causal,
})
const models = {
  // Of any size, which timm has no name for.
  hf: {
    ...bias,
    embed_dim: 64,
    vision_cfg: { ...vision, image_size: 32, patch_size: 8, width: 64, layers: 2, head_width: 32, act: 'gelu_tanh' },
    text_cfg: { ...text, ...way, width: 64, heads: 4, act: 'gelu_tanh' },
  },
  // timm's own; open_clip has no key for what captions are padded with, and 0 for it.
  open_clip: {
    ...bias,
    embed_dim: 768,
    vision_cfg: { ...vision, image_size: 224 },
    text_cfg: { ...text, ...way, pad_id: 0, width: 48 },
  },
  'eva02-base': timm('eva02_base_patch16_clip_224', 224, 512),
  'pe-tiny': timm('vit_pe_core_tiny_patch16_384', 384, 512, 'map'),
}

for (const [name, config] of Object.entries(models)) {
  const whole = { ...config, custom_text: true }
  const clip = await Clip.create(whole, { device: 'cpu', precision: 'fp32', seed: 7, resize: 'squash' })
  // Fresh norms and biases are one and nought, where a mistake would not show.
  for (const parameter of clip.parameters()) {
    if (parameter.name.startsWith('logit_')) continue
    const { shape, data } = await parameter.read()
    await parameter.write({ shape, data: data.map((x, i) => x + 0.02 * Math.sin(i * i + data.length)) })
  }
  const out = join(folder, name)
  mkdirSync(out, { recursive: true })
  await clip.save(join(out, 'model'), { layout: name === 'hf' ? 'hf' : 'open_clip' })
  const side = config.vision_cfg.image_size
  const images = {
    shape: [3, 3, side, side],
    data: Float32Array.from({ length: 9 * side * side }, (_, i) => Math.sin(i * i)),
  }
  const pad = config.text_cfg.pad_id
  // A causal tower is pooled at its largest id, the last; after it nothing counts.
  const last = 'init_logit_bias' in config ? undefined : 99
  const id = (i, at) => (at < 4 + (i >> 4) ? 2 + ((i * 37) % 97) : at === 4 + (i >> 4) ? (last ?? 5) : (pad ?? 0))
  const ids = Int32Array.from({ length: 4 * 16 }, (_, i) => id(i, i % 16))
  const tokens = { shape: [4, 16], data: ids }
  await writeSafetensors(join(out, 'expected.safetensors'), {
    images,
    tokens,
    image_features: await clip.encodeImages(images),
    text_features: await clip.encodeTexts(tokens),
  })
  await clip.dispose()
}
