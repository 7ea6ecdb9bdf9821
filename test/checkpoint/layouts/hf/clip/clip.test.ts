/** Folders of Hugging Face's CLIPModel: loaded, trained, saved, and refused. */
import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { AdamW, Clip, InfoNCE, type ModelConfig, readSafetensors, writeSafetensors } from '../../../../../lib/index.js'
import { maxDifference, meanDifference, readGolden } from '../../../../clip/golden.js'
import { TINY, tiny } from '../../../../clip/tiny.js'
import { rejection } from '../../../weights.js'

let folder: string
let copy: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'clipwright-hf-clip-'))
  copy = join(folder, 'copy')
})
afterEach(() => rm(folder, { recursive: true, force: true }))

const read = async (...path: string[]) => JSON.parse(await readFile(join(...path), 'utf8'))
const write = (name: string, value: unknown) => writeFile(join(copy, name), JSON.stringify(value))

/** A copy of the golden, whose text tower knows 128 ids. */
async function goldenCopy(): Promise<void> {
  await cp((await readGolden('hf-clip')).path, copy, { recursive: true })
}

/** Small, with all ids of CLIP's tokenizer. */
const WITH_TEXTS: ModelConfig = {
  ...TINY,
  quick_gelu: true,
  text_cfg: { context_length: 16, vocab_size: 49408, width: 16, heads: 2, layers: 1 },
}
const texts = ["a photo of a cat, isn't it?", 'naïve 🐱 3,000', '']

describe('the golden', () => {
  it('comes back with the names, shapes and values it had', async () => {
    const golden = await readGolden('hf-clip')
    const { tensors } = await readSafetensors(join(golden.path, 'model.safetensors'))
    await using clip = await Clip.load(golden.path)
    await clip.save(join(folder, 'm'), { layout: 'hf' })
    expect((await readSafetensors(join(folder, 'm', 'model.safetensors'))).tensors).toEqual(tensors)
    const [saved, original] = [await read(folder, 'm', 'config.json'), await read(golden.path, 'config.json')]
    for (const key of ['architectures', 'model_type', 'projection_dim', 'logit_scale_init_value']) {
      expect(saved[key]).toEqual(original[key])
    }
    const { pad_token_id: _, ...text } = saved.text_config
    expect(original).toMatchObject({ text_config: text, vision_config: saved.vision_config })
  })

  it('is trained, saved in both layouts, and loaded from each as it was', async () => {
    const golden = await readGolden('hf-clip')
    await using clip = await Clip.load(golden.path)
    const optimizer = new AdamW(clip, { lr: 1e-3 })
    for (const _ of golden.trainLosses) {
      await clip.forwardBackward(golden, new InfoNCE())
      await optimizer.step()
    }
    await clip.save(join(folder, 'hf'), { layout: 'hf' })
    await clip.save(join(folder, 'own'))
    const { tensors } = await readSafetensors(join(folder, 'hf', 'model.safetensors'))
    expect(Object.keys(tensors).sort()).toEqual([...golden.after.keys()].sort())
    for (const [name, values] of golden.after) {
      expect(meanDifference(tensors[name]!.data as Float32Array, values), name).toBeLessThanOrEqual(2e-5)
    }
    const [images, ids] = [await clip.encodeImages(golden.images), await clip.encodeTexts(golden.tokens)]
    for (const name of ['hf', 'own']) {
      await using again = await Clip.load(join(folder, name))
      expect((await again.encodeImages(golden.images)).data).toEqual(images.data)
      expect((await again.encodeTexts(golden.tokens)).data).toEqual(ids.data)
    }
  })

  it('is read from shards, too', async () => {
    await goldenCopy()
    const golden = await readGolden('hf-clip')
    const { tensors } = await readSafetensors(join(copy, 'model.safetensors'))
    const names = Object.keys(tensors)
    const shards = {
      'model-00001-of-00002.safetensors': names.slice(0, 30),
      'model-00002-of-00002.safetensors': names.slice(30),
    }
    for (const [file, held] of Object.entries(shards)) {
      const plain = held.map((name) => [name, { shape: tensors[name]!.shape, data: tensors[name]!.data }])
      await writeSafetensors(join(copy, file), Object.fromEntries(plain))
    }
    await rm(join(copy, 'model.safetensors'))
    const map = Object.fromEntries(Object.entries(shards).flatMap(([file, held]) => held.map((name) => [name, file])))
    await write('model.safetensors.index.json', { weight_map: map })
    await using clip = await Clip.load(copy)
    expect(maxDifference((await clip.encodeTexts(golden.tokens)).data, golden.textFeatures)).toBeLessThanOrEqual(2e-5)

    await rm(join(copy, 'model-00002-of-00002.safetensors'))
    await expect(Clip.load(copy)).rejects.toThrow(rejection('ERR_NOT_FOUND', 'model-00002-of-00002.safetensors'))
    await write('model.safetensors.index.json', { weight_map: { ...map, logit_scale: '../elsewhere.safetensors' } })
    await expect(Clip.load(copy)).rejects.toThrow(rejection('ERR_FORMAT', 'not a file in the same folder'))
  })

  it('has no texts of its own, having too few ids for them', async () => {
    await goldenCopy()
    await using clip = await Clip.load(copy)
    await expect(clip.encodeTexts(['a cat'])).rejects.toThrow(rejection('ERR_MISMATCH', '49408 ids'))
    await clip.save(join(folder, 'm'), { layout: 'hf' })
    expect((await readdir(join(folder, 'm'))).sort()).toEqual([
      'config.json',
      'model.safetensors',
      'preprocessor_config.json',
    ])
  })
})

describe('a saved folder', () => {
  it("holds what CLIPModel and its processor read, its tokenizer's files among them, and loads as it was", async () => {
    await using clip = await Clip.create(WITH_TEXTS)
    await clip.save(copy, { layout: 'hf' })
    expect((await readdir(copy)).sort()).toEqual([
      'config.json',
      'merges.txt',
      'model.safetensors',
      'preprocessor_config.json',
      'special_tokens_map.json',
      'tokenizer.json',
      'tokenizer_config.json',
      'vocab.json',
    ])
    expect(await read(copy, 'config.json')).toMatchObject({
      model_type: 'clip',
      text_config: { vocab_size: 49408, bos_token_id: 49406, eos_token_id: 49407, hidden_act: 'quick_gelu' },
      vision_config: { hidden_size: 32, hidden_act: 'quick_gelu' },
    })
    expect(await read(copy, 'preprocessor_config.json')).toMatchObject({
      image_processor_type: 'CLIPImageProcessor',
      size: { shortest_edge: 16 },
      crop_size: { height: 16, width: 16 },
    })
    const vocabulary = await read(copy, 'vocab.json')
    expect(vocabulary).toMatchObject({ '!': 0, 'cat</w>': 2368, '<|startoftext|>': 49406, '<|endoftext|>': 49407 })
    const merges = (await readFile(join(copy, 'merges.txt'), 'utf8')).split('\n')
    expect([merges.length, ...merges.slice(0, 2), ...merges.slice(-2)]).toEqual([
      48896,
      '#version: 0.2',
      'i n',
      'jeky ll</w>',
      '',
    ])
    await using again = await Clip.load(copy)
    expect(again.preprocess).toEqual(clip.preprocess)
    expect((await again.encodeTexts(texts)).data).toEqual((await clip.encodeTexts(texts)).data)
    await clip.save(copy, { layout: 'hf' }) // such a folder may be replaced
  })

  it("has its own tokenizer where that is not CLIP's, and pools where its texts end", async () => {
    const goldens = fileURLToPath(new URL('../../../../goldens/tokenizer-json', import.meta.url))
    const text_cfg = { ...TINY.text_cfg, context_length: 16, vocab_size: 800 }
    await using made = await Clip.create({ ...TINY, text_cfg } as ModelConfig)
    await made.save(copy, { layout: 'hf' })
    for (const name of ['tokenizer.json', 'tokenizer_config.json']) {
      await cp(join(goldens, 'roberta', name), join(copy, name))
    }
    const config = await read(copy, 'config.json')
    const pad_token_id = 1
    await write('config.json', { ...config, text_config: { ...config.text_config, pad_token_id, eos_token_id: 799 } })
    const [some, { padded, ids }] = [await read(goldens, 'strings.json'), await read(goldens, 'roberta/expected.json')]
    await using clip = await Clip.load(copy)
    const tokens = clip.tokenizer.encodeBatch(some, { contextLength: 16 })
    expect(some.map((_: string, i: number) => [...tokens.data.subarray(16 * i, 16 * i + 16)])).toEqual(padded)
    // Id 2 of old files means the largest; here the end is a smaller one.
    const end = ids[5][0]
    await write('config.json', { ...config, text_config: { ...config.text_config, pad_token_id, eos_token_id: end } })
    await using ended = await Clip.load(copy)
    expect(ended.config.text_cfg).toMatchObject({ pool_type: 'eos', eos_id: end })
    const features = async (of: Clip) => (await of.encodeTexts(some.slice(0, 6))).data
    expect(await features(ended)).not.toEqual(await features(clip))
    for (const layout of ['hf', 'open_clip'] as const) {
      await ended.save(join(folder, layout), { layout })
      await using again = await Clip.load(join(folder, layout))
      expect(await features(again), layout).toEqual(await features(ended))
    }
  })

  it('of a model with few ids leaves no tokenizer of an earlier one behind', async () => {
    await using full = await Clip.create(WITH_TEXTS)
    await using few = await tiny()
    await full.save(copy, { layout: 'hf' })
    await few.save(copy, { layout: 'hf' })
    expect(await readdir(copy)).not.toContain('tokenizer.json')
    await using again = await Clip.load(copy)
    expect(again.config.text_cfg.vocab_size).toBe(50)
  })
})

describe('pictures', () => {
  const common = { image_mean: [0.48145466, 0.4578275, 0.40821073], image_std: [0.26862954, 0.26130258, 0.27577711] }
  it.each([
    ['CLIPFeatureExtractor, years ago', { feature_extractor_type: 'CLIPFeatureExtractor', size: 32, crop_size: 32 }],
    ['CLIPImageProcessor', { size: { shortest_edge: 32 }, crop_size: { height: 32, width: 32 } }],
  ])('are prepared as %s does', async (_, said) => {
    await goldenCopy()
    await write('preprocessor_config.json', { ...common, ...said, do_resize: true, do_center_crop: true, resample: 3 })
    await using clip = await Clip.load(copy)
    expect(clip.preprocess).toMatchObject({
      size: 32,
      resize_mode: 'shortest',
      interpolation: 'bicubic',
      convert: 'before',
      mean: common.image_mean,
      std: common.image_std,
    })
  })
})

describe('a folder is refused', () => {
  it('whose weights and configuration disagree, by the names that they have there', async () => {
    await goldenCopy()
    const config = await read(copy, 'config.json')
    await write('config.json', { ...config, projection_dim: 48 })
    const refusal = expect.objectContaining({
      code: 'ERR_MISMATCH',
      message: expect.stringContaining('is [32, 48], not [48, 48]'),
      keys: ['visual_projection.weight', 'text_projection.weight'],
    })
    await expect(Clip.load(copy)).rejects.toThrow(refusal)
  })

  it('that lacks a tensor', async () => {
    await goldenCopy()
    const { tensors } = await readSafetensors(join(copy, 'model.safetensors'))
    const key = 'text_model.encoder.layers.1.self_attn.v_proj.bias'
    const plain = Object.entries(tensors).flatMap(([name, { shape, data }]) =>
      name === key ? [] : [[name, { shape, data }]],
    )
    await writeSafetensors(join(copy, 'model.safetensors'), Object.fromEntries(plain))
    await expect(Clip.load(copy)).rejects.toThrow(rejection('ERR_MISMATCH', `1 missing (${key})`))
  })

  it('with an activation that is not there', async () => {
    await goldenCopy()
    const config = await read(copy, 'config.json')
    await write('config.json', { ...config, text_config: { ...config.text_config, hidden_act: 'silu' } })
    await expect(Clip.load(copy)).rejects.toThrow(rejection('ERR_UNSUPPORTED', 'text_config.hidden_act "silu"'))
  })
})
