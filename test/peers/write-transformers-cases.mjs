// Writes small Chinese models as folders of ChineseCLIPModel, and what clipwright computes with them: the other half of
// the comparison is transformers_test.py. Run: node test/peers/write-transformers-cases.mjs FOLDER
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Clip, preprocessImage, writeSafetensors } from 'clipwright'
import sharp from 'sharp'

const folder = process.argv[2]
const vision = { image_size: 32, layers: 3, width: 128, head_width: 32, patch_size: 8 }
const bert = { model_type: 'bert', vocab_size: 21128, hidden_size: 96, num_hidden_layers: 3, num_attention_heads: 3 }
const text = {
  hf_config: { ...bert, intermediate_size: 160, max_position_embeddings: 40 },
  context_length: 24,
  pooler: 'cls',
  ln_final: false,
  proj: 'linear',
}
const models = {
  'crop-gelu': [{ embed_dim: 48, vision_cfg: { ...vision, mlp_ratio: 2.5 }, text_cfg: text }, 'crop'],
  'squash-quickgelu': [{ embed_dim: 64, quick_gelu: true, vision_cfg: vision, text_cfg: text }, 'squash'],
}
const texts = ['一只狗在草地上奔跑', '两只猫, SLEEPING 3,000', 'naïve ÜBER 🐱', '天', '很长的一句话，'.repeat(9)]
const width = 75
const height = 41

for (const [name, [config, resize]] of Object.entries(models)) {
  const clip = await Clip.create(config, { device: 'cpu', precision: 'fp32', seed: 7, resize })
  // Fresh norms and biases are one and nought, where a mistake would not show, and texts are all alike to a fresh BERT.
  for (const parameter of clip.parameters()) {
    if (parameter.name === 'logit_scale') continue
    const { shape, data } = await parameter.read()
    await parameter.write({ shape, data: data.map((x, i) => x + 0.05 * Math.sin(i * i + data.length)) })
  }
  const out = join(folder, name)
  mkdirSync(out, { recursive: true })
  const picture = await sharp(wave(width * height * 3), { raw: { width, height, channels: 3 } })
    .png()
    .toBuffer()
  writeFileSync(join(out, 'picture.png'), picture)
  const { shape, data } = await preprocessImage(picture, { size: vision.image_size, mode: resize })
  const tokens = clip.tokenizer.encodeBatch(texts, { contextLength: text.context_length })
  const logitScale = clip.parameters().find((parameter) => parameter.name === 'logit_scale')
  await clip.save(join(out, 'model'), { layout: 'hf' })
  await writeSafetensors(join(out, 'expected.safetensors'), {
    pixels: { shape, data: Float32Array.from(data) },
    tokens: { shape: tokens.shape, data: tokens.data },
    image_features: await clip.encodeImages({ shape, data }),
    text_features: await clip.encodeTexts(tokens),
    logit_scale: await logitScale.read(),
  })
  writeFileSync(join(out, 'texts.json'), JSON.stringify(texts))
  await clip.dispose()
}

/** A picture with soft and sharp parts, the same on every machine. */
function wave(count) {
  return Uint8Array.from({ length: count }, (_, i) => 127.5 + 120 * Math.sin(i * 0.37 + Math.sin(i * 0.011) * 9))
}
