// Writes, for each small model, the folder that clipwright saves and what it computes with it: the other half of the
// comparison is open_clip_test.py. Run: node test/peers/write-cases.mjs FOLDER
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Clip, InfoNCE, imagenetClassNames, writeSafetensors, zeroShotClassifier } from 'clipwright'

const folder = process.argv[2]
const vision = { image_size: 32, layers: 3, width: 128, head_width: 32, patch_size: 8 }
const text = { context_length: 24, vocab_size: 49408, width: 96, heads: 3, layers: 3 }
const models = {
  gelu: { embed_dim: 64, vision_cfg: vision, text_cfg: text },
  quickgelu: { embed_dim: 48, quick_gelu: true, vision_cfg: vision, text_cfg: text },
}
const texts = ['a photo of a cat', 'two dogs, asleep', 'ÜBER 3,000 naïve 猫s 🐱', 'x', 'one '.repeat(60)]
const classNames = ['tench', 'great white shark', 'toilet paper', '{c} 猫']

for (const [name, config] of Object.entries(models)) {
  const clip = await Clip.create(config, { device: 'cpu', precision: 'fp32', seed: 7 })
  const { image_size: size } = config.vision_cfg
  const images = { shape: [texts.length, 3, size, size], data: wave(texts.length * 3 * size * size) }
  const tokens = clip.tokenizer.encodeBatch(texts, { contextLength: config.text_cfg.context_length })
  const imageFeatures = await clip.encodeImages(images)
  const textFeatures = await clip.encodeTexts(tokens)
  const { loss, logitScale } = await clip.forwardBackward({ images, tokens }, new InfoNCE())

  const simple = await zeroShotClassifier(clip, classNames)
  const all = await zeroShotClassifier(clip, classNames, { templates: 'imagenet' })

  const tensors = {
    zero_shot_simple: simple.weights,
    zero_shot_imagenet: all.weights,
    images,
    tokens: { shape: tokens.shape, data: tokens.data },
    image_features: imageFeatures,
    text_features: textFeatures,
    loss: { shape: [1], data: new Float32Array([loss]) },
    logit_scale: { shape: [1], data: new Float32Array([logitScale]) },
  }
  for (const parameter of clip.parameters()) tensors[`grad/${parameter.name}`] = await parameter.readGrad()
  const out = join(folder, name)
  mkdirSync(out, { recursive: true })
  await clip.save(join(out, 'model'))
  await writeSafetensors(join(out, 'expected.safetensors'), tensors)
  writeFileSync(join(out, 'texts.json'), JSON.stringify(texts))
  writeFileSync(join(out, 'class-names.json'), JSON.stringify(classNames))
  writeFileSync(join(folder, 'imagenet.json'), JSON.stringify(imagenetClassNames()))
  await clip.dispose()
}

/** Values that look like normalised pixels, the same on every machine. */
function wave(count) {
  return Float32Array.from({ length: count }, (_, i) => 1.5 * Math.sin(i * 0.37 + Math.sin(i * 0.011) * 9))
}
