// Writes small CLIP models as folders of CLIPModel, and what clipwright computes with them: the other half of the
// comparison is hf_clip_test.py. Run: node test/peers/write-hf-clip-cases.mjs FOLDER
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Clip, convert, preprocessImage, writeSafetensors } from 'clipwright'
import sharp from 'sharp'

const folder = process.argv[2]
const vision = { image_size: 32, layers: 3, width: 128, head_width: 32, patch_size: 8 }
const text = { context_length: 24, vocab_size: 49408, width: 64, heads: 4, layers: 3 }
const models = {
  quickgelu: { embed_dim: 64, quick_gelu: true, vision_cfg: vision, text_cfg: text },
  mixed: {
    embed_dim: 48,
    vision_cfg: { ...vision, mlp_ratio: 2.5, act: 'quick_gelu', norm_kwargs: { eps: 1e-4 } },
    text_cfg: { ...text, mlp_ratio: 3, act: 'gelu_tanh' },
  },
}
const texts = ["a photo of a cat, isn't it?", 'Two DOGS, 3,000 naïve 🐱', '', 'a very long sentence '.repeat(9)]
const width = 75
const height = 41

for (const [name, config] of Object.entries(models)) {
  const clip = await Clip.create(config, { device: 'cpu', precision: 'fp32', seed: 7, convert: 'before' })
  // Fresh norms and biases are one and nought, where a mistake would not show.
  for (const parameter of clip.parameters()) {
    if (parameter.name === 'logit_scale') continue
    const { shape, data } = await parameter.read()
    await parameter.write({ shape, data: data.map((x, i) => x + 0.05 * Math.sin(i * i + data.length)) })
  }
  const out = join(folder, name)
  mkdirSync(out, { recursive: true })
  const raw = { width, height, channels: 3 }
  const picture = await sharp(wave(width * height * 3), { raw })
    .png()
    .toBuffer()
  writeFileSync(join(out, 'picture.png'), picture)
  const { shape, data } = await preprocessImage(picture, { size: vision.image_size, mode: 'crop' })
  const tokens = clip.tokenizer.encodeBatch(texts, { contextLength: text.context_length })
  await clip.save(join(out, 'model'), { layout: 'hf' })
  await clip.save(join(out, 'own'))
  await convert(join(out, 'own'), join(out, 'converted'), { layout: 'hf' })
  await writeSafetensors(join(out, 'expected.safetensors'), {
    pixels: { shape, data: Float32Array.from(data) },
    tokens: { shape: tokens.shape, data: tokens.data },
    image_features: await clip.encodeImages({ shape, data }),
    text_features: await clip.encodeTexts(tokens),
    logit_scale: await clip
      .parameters()
      .find((parameter) => parameter.name === 'logit_scale')
      .read(),
  })
  writeFileSync(join(out, 'texts.json'), JSON.stringify(texts))
  await clip.dispose()
}

/** A picture with soft and sharp parts, the same on every machine. */
function wave(count) {
  return Uint8Array.from({ length: count }, (_, i) => 127.5 + 120 * Math.sin(i * 0.37 + Math.sin(i * 0.011) * 9))
}
