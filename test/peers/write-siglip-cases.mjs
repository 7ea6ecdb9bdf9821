// Writes models of SigLIP's towers as folders of SiglipModel and of open_clip, and what clipwright computes with them: the other
// half of the comparison is siglip_test.py. Run: node test/peers/write-siglip-cases.mjs FOLDER
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { Clip, writeSafetensors } from 'clipwright'

const folder = process.argv[2]
const vision = { timm_model_name: 'vit_base_patch16_siglip_224', timm_pool: 'map', timm_proj: 'none' }
const text = { context_length: 16, vocab_size: 100, heads: 3, layers: 2, norm_kwargs: { eps: 1e-6 } }
const way = { no_causal_mask: true, pool_type: 'last', proj_bias: true, pad_id: 1 }
const models = {
  // Of any size, which timm has no name for.
  hf: {
    embed_dim: 64,
    vision_cfg: { ...vision, image_size: 32, patch_size: 8, width: 64, layers: 2, head_width: 32, act: 'gelu_tanh' },
    text_cfg: { ...text, ...way, width: 64, heads: 4, act: 'gelu_tanh' },
  },
  // timm's own; open_clip has no key for what captions are padded with, and 0 for it.
  open_clip: {
    embed_dim: 768,
    vision_cfg: { ...vision, image_size: 224 },
    text_cfg: { ...text, ...way, pad_id: 0, width: 48 },
  },
}

for (const [layout, config] of Object.entries(models)) {
  const whole = { ...config, init_logit_bias: -4, custom_text: true }
  const clip = await Clip.create(whole, { device: 'cpu', precision: 'fp32', seed: 7, resize: 'squash' })
  // Fresh norms and biases are one and nought, where a mistake would not show.
  for (const parameter of clip.parameters()) {
    if (parameter.name.startsWith('logit_')) continue
    const { shape, data } = await parameter.read()
    await parameter.write({ shape, data: data.map((x, i) => x + 0.02 * Math.sin(i * i + data.length)) })
  }
  const out = join(folder, layout)
  mkdirSync(out, { recursive: true })
  await clip.save(join(out, 'model'), { layout })
  const side = config.vision_cfg.image_size
  const images = {
    shape: [3, 3, side, side],
    data: Float32Array.from({ length: 9 * side * side }, (_, i) => Math.sin(i * i)),
  }
  const pad = config.text_cfg.pad_id
  const ids = Int32Array.from({ length: 4 * 16 }, (_, i) => (i % 16 < 5 + (i >> 4) ? 2 + ((i * 37) % 97) : pad))
  const tokens = { shape: [4, 16], data: ids }
  await writeSafetensors(join(out, 'expected.safetensors'), {
    images,
    tokens,
    image_features: await clip.encodeImages(images),
    text_features: await clip.encodeTexts(tokens),
  })
  await clip.dispose()
}
