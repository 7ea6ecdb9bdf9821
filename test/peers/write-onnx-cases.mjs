// Writes small models of every kind of tower as folders of transformers.js, and what clipwright computes with them: the other
// half of the comparison is transformers-js-test.mjs. ONNX Runtime looks at each as it is saved.
// Run: NODE_PATH=… node test/peers/write-onnx-cases.mjs FOLDER
import assert from 'node:assert/strict'
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Clip } from 'clipwright'
import sharp from 'sharp'
// Inner parts of it, for what only models of gigabytes would show.
import { graphsOf } from '../../dist/checkpoint/layouts/onnx/graphs.js'
import { writeModelFile } from '../../dist/checkpoint/layouts/onnx/model-file.js'
import { resolveModel } from '../../dist/models/resolve.js'

const folder = process.argv[2]
const vision = { image_size: 32, layers: 2, width: 64, head_width: 32, patch_size: 8 }
const causal = { context_length: 24, width: 48, heads: 3, layers: 2 }
const bert = { model_type: 'bert', vocab_size: 21128, hidden_size: 48, num_hidden_layers: 2, num_attention_heads: 3 }
const text = {
  hf_config: { ...bert, intermediate_size: 96, max_position_embeddings: 40 },
  context_length: 24,
  pooler: 'cls',
  ln_final: false,
  proj: 'linear',
}
// Texts that fit: transformers.js cuts longer ones together with their end.
const ENGLISH = ['a dog', 'Two cats, SLEEPING  3,000', "it's naïve ÜBER 🐱", 'sky', 'a rather long phrase '.repeat(5)]
const CHINESE = ['一只狗在草地上奔跑', '两只猫, SLEEPING 3,000', 'naïve ÜBER', '天', '很长的一句话，'.repeat(3)]
const models = {
  'causal-gelu': [{ embed_dim: 40, vision_cfg: vision, text_cfg: causal }, 'crop'],
  'causal-quickgelu': [{ embed_dim: 40, quick_gelu: true, vision_cfg: vision, text_cfg: causal }, 'squash'],
  'causal-tanh': [
    {
      embed_dim: 40,
      vision_cfg: { ...vision, mlp_ratio: 2.5, act_kwargs: { approximate: 'tanh' } },
      text_cfg: { ...causal, act_kwargs: { approximate: 'tanh' }, norm_kwargs: { eps: 1e-3 } },
    },
    'crop',
  ],
  'bert-cls': [{ embed_dim: 40, vision_cfg: vision, text_cfg: text }, 'squash'],
  'bert-mean': [{ embed_dim: 40, vision_cfg: vision, text_cfg: { ...text, pooler: 'mean', proj: 'mlp' } }, 'crop'],
  'bert-pooler': [
    { embed_dim: 48, vision_cfg: vision, text_cfg: { ...text, pooler: 'pooler', ln_final: true, proj: 'none' } },
    'crop',
  ],
}
const siglip = { timm_model_name: 'vit_base_patch8_siglip_32', timm_pool: 'map', timm_proj: 'none' }
/** Held against ONNX Runtime alone: their tokenizers are not here, without which transformers.js does nothing. */
const ofIds = {
  siglip: [
    {
      embed_dim: 64,
      init_logit_bias: -4,
      custom_text: true,
      vision_cfg: { ...siglip, width: 64, layers: 2, head_width: 32, mlp_ratio: 3, act: 'gelu_tanh' },
      text_cfg: { ...causal, no_causal_mask: true, pool_type: 'last', proj_bias: true, pad_id: 1 },
    },
    'squash',
  ],
  'xlm-roberta': [
    {
      embed_dim: 40,
      vision_cfg: vision,
      text_cfg: {
        ...text,
        hf_config: {
          ...text.hf_config,
          model_type: 'xlm-roberta',
          pad_token_id: 1,
          type_vocab_size: 1,
          layer_norm_eps: 1e-5,
        },
        pooler: 'mean',
        proj: 'mlp',
      },
    },
    'crop',
  ],
}
const TOLERANCE = { fp32: 1e-4, fp16: 2e-2, int8: 0.5 }
/** Of features' directions with the model's own. */
const LEAST_COSINE = { fp32: 0.999999, fp16: 0.9999, int8: 0.995 }

for (const [name, [config, resize]] of Object.entries({ ...models, ...ofIds })) {
  const clip = await Clip.create(config, { device: 'cpu', precision: 'fp32', seed: 7, resize })
  // Fresh norms and biases are one and nought, where a mistake would not show, and texts are all alike to a fresh BERT.
  for (const parameter of clip.parameters()) {
    if (parameter.name === 'logit_scale') continue
    const { shape, data } = await parameter.read()
    await parameter.write({ shape, data: data.map((x, i) => x + 0.05 * Math.sin(i * i + data.length)) })
  }
  const texts = config.text_cfg === causal || name.startsWith('causal') ? ENGLISH : CHINESE
  for (const dtype of ['fp32', 'fp16', 'int8']) {
    const out = join(folder, name in ofIds ? 'of-ids' : '', dtype, name)
    mkdirSync(join(out, '..'), { recursive: true })
    await clip.save(out, { layout: 'onnx', dtype })
    const parity = JSON.parse(readFileSync(join(out, 'onnx/parity.json'), 'utf8'))
    assert.equal(parity.checked, true, parity.reason)
    for (const [graph, difference] of Object.entries(parity.maxDifference)) {
      assert.ok(difference < TOLERANCE[dtype], `${name} ${dtype}: ${graph} differs by ${difference}`)
    }
    for (const [graph, cosine] of Object.entries(parity.cosine)) {
      assert.ok(cosine > LEAST_COSINE[dtype], `${name} ${dtype}: ${graph} has a cosine of ${cosine}`)
    }
    console.log(
      `${name} ${dtype}: ${JSON.stringify(parity.cosine)} ${JSON.stringify(parity.maxDifference)} of ${JSON.stringify(parity.largest)}`,
    )
  }
  if (name in ofIds) {
    await clip.dispose()
    continue
  }
  const expected = join(folder, 'expected', name)
  mkdirSync(expected, { recursive: true })
  // Of the model's own size: how pixels in between are made is each library's own affair.
  const side = vision.image_size
  await sharp(wave(side * side * 3), { raw: { width: side, height: side, channels: 3 } })
    .png()
    .toFile(join(expected, 'picture.png'))
  const tokens = clip.tokenizer.encodeBatch(texts, { contextLength: 24 })
  const images = await clip.encodeImages([join(expected, 'picture.png')], { normalize: false })
  const features = await clip.encodeTexts(texts, { normalize: false })
  const probabilities = await probabilitiesOf(clip, join(expected, 'picture.png'), texts)
  writeFileSync(
    join(expected, 'expected.json'),
    JSON.stringify({
      texts,
      rows: texts.map((_, row) => [...tokens.data.subarray(row * 24, row * 24 + tokens.lengths[row])]),
      image: [...images.data],
      features: [...features.data],
      probabilities,
    }),
  )
  if (name === 'causal-gelu') {
    await writeApart(clip, join(folder, 'fp32', name), join(folder, 'fp32/causal-apart'))
    cpSync(expected, join(folder, 'expected/causal-apart'), { recursive: true })
  }
  await clip.dispose()
}

/** The same folder with weights beside the graphs, as if they were too large for one file. */
async function writeApart(clip, from, to) {
  cpSync(from, to, { recursive: true })
  const tensors = new Map(
    clip.parameters({ layout: 'onnx' }).map((parameter) => {
      const read = async () => (await parameter.read()).data
      return [parameter.name, { shape: parameter.shape, read }]
    }),
  )
  const use_external_data_format = {}
  for (const [stem, graph] of Object.entries(graphsOf(resolveModel(clip.config, clip.preprocess, 'model'), tensors))) {
    const file = { name: `${stem}.onnx`, graph, tensors, dtype: 'F32', largest: 300_000 }
    const count = await writeModelFile(join(to, 'onnx'), file)
    assert.ok(count > 1, `${stem} has ${count} files of data`)
    use_external_data_format[file.name] = count
  }
  const config = JSON.parse(readFileSync(join(to, 'config.json'), 'utf8'))
  config['transformers.js_config'].use_external_data_format = use_external_data_format
  writeFileSync(join(to, 'config.json'), JSON.stringify(config))
}

async function probabilitiesOf(clip, picture, texts) {
  const { data: image } = await clip.encodeImages([picture])
  const { data } = await clip.encodeTexts(texts)
  const scale = await clip.logitScale()
  const width = image.length
  const logits = texts.map((_, row) => scale * image.reduce((sum, x, i) => sum + x * data[row * width + i], 0))
  const exps = logits.map((logit) => Math.exp(logit - Math.max(...logits)))
  const sum = exps.reduce((a, b) => a + b, 0)
  return exps.map((x) => x / sum)
}

/** A picture with soft and sharp parts, the same on every machine. */
function wave(count) {
  return Uint8Array.from({ length: count }, (_, i) => 127.5 + 120 * Math.sin(i * 0.37 + Math.sin(i * 0.011) * 9))
}
