/** Models with a BERT tower: the reference's layout, Hugging Face's ChineseCLIPModel, Chinese-CLIP's own names. */
import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openCheckpoint } from '../../../../../lib/checkpoint/open.js'
import {
  BertTokenizer,
  Clip,
  type ModelConfig,
  readSafetensors,
  type Tensor,
  writeSafetensors,
} from '../../../../../lib/index.js'
import { maxDifference, readGolden } from '../../../../clip/golden.js'
import { TINY_CHINESE as CHINESE, tiny } from '../../../../clip/tiny.js'

const rejection = (code: string, message: string) =>
  expect.objectContaining({ code, message: expect.stringContaining(message) })

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'clipwright-chinese-'))
})
afterEach(async () => {
  await rm(folder, { recursive: true, force: true })
})

const withText = (text: object): ModelConfig => ({ ...CHINESE, text_cfg: { ...CHINESE.text_cfg, ...text } as never })
const texts = ['一只狗在草地上奔跑', '两只猫, SLEEPING', '天']

describe.each(['seed-self-cn', 'hf-chinese-clip', 'openclip-xlm-roberta'])('%s', (name) => {
  it('comes back with the names, shapes and values it had', async () => {
    const golden = await readGolden(name)
    const file = {
      'hf-chinese-clip': `${golden.path}/model.safetensors`,
      'openclip-xlm-roberta': `${golden.path}/open_clip_model.safetensors`,
    }
    const { tensors } = await readSafetensors(file[name as keyof typeof file] ?? golden.path)
    await using clip = await Clip.load(golden.path, golden.options)
    const path = join(folder, 'm.safetensors')
    await clip.save(path, { layout: golden.layout })
    expect((await readSafetensors(path)).tensors).toEqual(tensors)
    await using again = await Clip.load(path)
    const { data } = await again.encodeTexts(golden.tokens)
    expect(maxDifference(data, golden.textFeatures)).toBeLessThanOrEqual(2e-5)
  })

  it('goes through the own layout of such models, too', async () => {
    const golden = await readGolden(name)
    await using clip = await Clip.load(golden.path, golden.options)
    await clip.save(join(folder, 'm'))
    expect((await readdir(join(folder, 'm'))).sort()).toEqual(['open_clip_config.json', 'open_clip_model.safetensors'])
    await using again = await Clip.load(join(folder, 'm'))
    expect(again.config).toEqual(clip.config)
    expect((await again.encodeTexts(golden.tokens)).data).toEqual((await clip.encodeTexts(golden.tokens)).data)
    expect((await again.encodeImages(golden.images)).data).toEqual((await clip.encodeImages(golden.images)).data)
  })
})

describe("a folder in Hugging Face's layout", () => {
  it('holds what ChineseCLIPModel and its processor read, and loads again as it was', async () => {
    await using clip = await Clip.create(CHINESE)
    const path = join(folder, 'hf')
    await clip.save(path, { layout: 'hf' })
    expect((await readdir(path)).sort()).toEqual(
      ['config.json', 'model.safetensors', 'preprocessor_config.json', 'tokenizer_config.json', 'vocab.txt'].sort(),
    )
    const config = JSON.parse(await readFile(join(path, 'config.json'), 'utf8'))
    expect(config).toMatchObject({
      model_type: 'chinese_clip',
      projection_dim: 16,
      text_config: { hidden_size: 32, vocab_size: 21128, hidden_act: 'gelu', layer_norm_eps: 1e-12 },
      vision_config: { hidden_size: 32, num_attention_heads: 2, hidden_act: 'quick_gelu', patch_size: 8 },
    })
    await using again = await Clip.load(path)
    expect(again.tokenizer.encode(texts[1]!)).toEqual(clip.tokenizer.encode(texts[1]!))
    expect(again.preprocess).toEqual(clip.preprocess)
    expect((await again.encodeTexts(texts)).data).toEqual((await clip.encodeTexts(texts)).data)
    await clip.save(path, { layout: 'hf' }) // such a folder may be replaced
  })

  it('says how pictures are resized and whether letters are made small', async () => {
    await using clip = await Clip.create(CHINESE)
    const path = join(folder, 'hf')
    await clip.save(path, { layout: 'hf' })
    const square = { do_center_crop: false, size: { height: 16, width: 16 }, image_mean: [0.1, 0.2, 0.3] }
    await writeFile(join(path, 'preprocessor_config.json'), JSON.stringify(square))
    await writeFile(join(path, 'tokenizer_config.json'), JSON.stringify({ do_lower_case: false, model_max_length: 5 }))
    await using again = await Clip.load(path)
    expect(again.preprocess).toMatchObject({ resize_mode: 'squash', mean: [0.1, 0.2, 0.3], size: 16 })
    expect(again.tokenizer.encode('SLEEPING')).toEqual([100]) // [UNK]: the vocabulary has no capitals
    // Cut to five ids, as a row of that length is.
    const cut = again.tokenizer.encodeBatch([texts[0]!], { contextLength: 5 })
    expect((await again.encodeTexts([texts[0]!])).data).toEqual((await again.encodeTexts(cut)).data)
    // The weights' own file knows nothing of that folder's other files, so the model saves them with itself.
    await again.save(join(folder, 'own'))
    await using own = await Clip.load(join(folder, 'own'))
    expect(own.tokenizer.encode('SLEEPING')).toEqual([100])
    expect(own.preprocess).toEqual(again.preprocess)
  })

  it('squashes pictures when it does not say how they are resized, as Chinese-CLIP does', async () => {
    const { path } = await readGolden('hf-chinese-clip')
    await cp(path, join(folder, 'hf'), { recursive: true })
    await rm(join(folder, 'hf', 'preprocessor_config.json'), { force: true })
    await using clip = await Clip.load(join(folder, 'hf'))
    expect(clip.preprocess.resize_mode).toBe('squash')
    await writeFile(join(folder, 'hf', 'preprocessor_config.json'), '{}')
    await using said = await Clip.load(join(folder, 'hf'))
    expect(said.preprocess.resize_mode).toBe('shortest') // what transformers does with such a file
  })

  it.each([
    ['"do_normalize": false', { do_normalize: false }],
    ['"resample": 0', { resample: 0 }],
    ['"size": {"shortest_edge":34}', { size: { shortest_edge: 34 }, crop_size: { height: 32, width: 32 } }],
    ['"size": {"height":32,"width":20}', { size: { height: 32, width: 20 } }],
    ['"crop_size": 28', { size: 32, crop_size: 28 }],
  ])('refuses what would change its pictures: %s', async (message, said) => {
    const { path } = await readGolden('hf-chinese-clip')
    await cp(path, join(folder, 'hf'), { recursive: true })
    const write = (value: object) => writeFile(join(folder, 'hf', 'preprocessor_config.json'), JSON.stringify(value))
    await write(said)
    await expect(Clip.load(join(folder, 'hf'))).rejects.toThrow(rejection('ERR_UNSUPPORTED', message))
    await write({ size: { height: 32, width: 32 }, crop_size: 20, do_center_crop: false })
    await using clip = await Clip.load(join(folder, 'hf'))
    expect(clip.preprocess.size).toBe(32)
  })

  it('refuses a vocabulary that the model has too few ids for', async () => {
    const { path } = await readGolden('hf-chinese-clip')
    const copy = join(folder, 'hf')
    await cp(path, copy, { recursive: true })
    await using without = await Clip.load(copy)
    await expect(without.encodeTexts(['天'])).rejects.toThrow(rejection('ERR_MISMATCH', '21128 ids'))
    const pieces = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]', '天', '地']
    await writeFile(join(copy, 'vocab.txt'), `${pieces.join('\n')}\n`)
    await using clip = await Clip.load(copy)
    expect(clip.tokenizer.encode('天地人')).toEqual([5, 6, 1])
    await using renamed = await Clip.load(copy, { model: clip.config }) // whose own it is, too
    expect(renamed.tokenizer.encode('天地人')).toEqual([5, 6, 1])
    // A vocabulary that is not the shipped one goes with the weights.
    await clip.save(join(folder, 'm.safetensors'))
    await using again = await Clip.load(join(folder, 'm.safetensors'))
    expect(again.tokenizer.encode('天地人')).toEqual([5, 6, 1])
    expect((await again.encodeTexts(['天地'])).data).toEqual((await clip.encodeTexts(['天地'])).data)
    await writeFile(join(copy, 'vocab.txt'), [...pieces, ...Array.from({ length: 130 }, (_, i) => `x${i}`)].join('\n'))
    await expect(Clip.load(copy)).rejects.toThrow(rejection('ERR_MISMATCH', 'has 137 pieces'))
  })

  it('may have the files that transformers writes since version 5', async () => {
    const { path } = await readGolden('hf-chinese-clip')
    const copy = join(folder, 'hf')
    await cp(path, copy, { recursive: true })
    const write = (name: string, value: object) => writeFile(join(copy, name), JSON.stringify(value))
    await write('preprocessor_config.json', { size: { height: 32, width: 32 }, do_center_crop: false })
    await write('processor_config.json', {
      image_processor: { size: { shortest_edge: 32 }, image_mean: [0.1, 0.2, 0.3] },
    })
    const vocab = { '[UNK]': 1, '[PAD]': 0, '[CLS]': 2, '[SEP]': 3, '[MASK]': 4, 地: 6, 天: 5 }
    await write('tokenizer.json', { model: { type: 'WordPiece', vocab } })
    await using clip = await Clip.load(copy)
    expect(clip.preprocess).toMatchObject({ resize_mode: 'shortest', mean: [0.1, 0.2, 0.3] })
    expect(clip.tokenizer.encode('天地人')).toEqual([5, 6, 1])

    await write('processor_config.json', { processor_class: 'ChineseCLIPProcessor' }) // as version 4 wrote it
    await using older = await Clip.load(copy)
    expect(older.preprocess.resize_mode).toBe('squash')

    await write('tokenizer.json', { model: { type: 'WordPiece', vocab: { ...vocab, 地: 8 } } })
    await expect(Clip.load(copy)).rejects.toThrow(rejection('ERR_FORMAT', '"model.vocab": expected ids from 0 up'))
    await write('tokenizer.json', { model: { type: 'BPE', vocab } })
    await expect(Clip.load(copy)).rejects.toThrow(rejection('ERR_FORMAT', '"model.type"'))
  })

  it.each([
    ['ERR_UNSUPPORTED', 'a model of type "blip"', { model_type: 'blip' }],
    ['ERR_FORMAT', '"projection_dim"', { model_type: 'chinese_clip', projection_dim: 'x' }],
    [
      'ERR_FORMAT',
      'num_attention_heads 5 must divide',
      { model_type: 'chinese_clip', vision_config: { num_attention_heads: 5 } },
    ],
    ['ERR_UNSUPPORTED', 'hidden_act', { model_type: 'chinese_clip', text_config: { hidden_act: 'relu' } }],
    ['ERR_FORMAT', 'patch_size 5 must divide', { model_type: 'chinese_clip', vision_config: { patch_size: 5 } }],
  ])('%s: %s', async (code, message, config) => {
    const { path } = await readGolden('hf-chinese-clip')
    await cp(path, join(folder, 'hf'), { recursive: true })
    await writeFile(join(folder, 'hf', 'config.json'), JSON.stringify(config))
    await expect(Clip.load(join(folder, 'hf'))).rejects.toThrow(rejection(code, message))
  })

  it('names every tensor that the weights lack, in their own names', async () => {
    const { path } = await readGolden('hf-chinese-clip')
    await cp(path, join(folder, 'hf'), { recursive: true })
    const { tensors } = await readSafetensors(join(path, 'model.safetensors'))
    const key = 'vision_model.encoder.layers.0.self_attn.k_proj.weight'
    const { [key]: _, ...others } = tensors
    const plain = Object.entries(others).map(([name, { shape, data }]) => [name, { shape, data }])
    await writeSafetensors(join(folder, 'hf', 'model.safetensors'), Object.fromEntries(plain))
    await expect(Clip.load(join(folder, 'hf'))).rejects.toThrow(rejection('ERR_MISMATCH', `1 missing (${key})`))
  })
})

describe('layouts', () => {
  it("read Chinese-CLIP's own names, buffers and a pooler that nobody uses left alone", async () => {
    await using clip = await Clip.create(CHINESE, { seed: 3 })
    const tensors: Record<string, Tensor> = {
      'bert.embeddings.position_ids': { shape: [1, 2], data: new Float32Array(2) },
      'bert.pooler.dense.bias': { shape: [1], data: new Float32Array(1) },
    }
    for (const p of clip.parameters()) tensors[p.name.replace(/^transformer\./, 'bert.')] = await p.read()
    const path = join(folder, 'cn.safetensors')
    await writeSafetensors(path, tensors)
    await using again = await Clip.load(path, { model: CHINESE })
    expect((await again.encodeTexts(texts)).data).toEqual((await clip.encodeTexts(texts)).data)
  })

  it('split one parameter into parts that can be written alone', async () => {
    await using clip = await Clip.create(CHINESE)
    const all = clip.parameters({ layout: 'hf' })
    const named = (name: string) => all.find((p) => p.name === name)!
    const prefix = 'vision_model.encoder.layers.0.self_attn'
    const before = await named(`${prefix}.q_proj.weight`).read()
    const data = Float32Array.from({ length: 1024 }, (_, i) => i)
    const bias = Float32Array.from({ length: 32 }, (_, i) => -i)
    await Promise.all([
      named(`${prefix}.k_proj.weight`).write({ shape: [32, 32], data }),
      named(`${prefix}.v_proj.bias`).write({ shape: [32], data: bias }),
      named('text_projection.weight').write({ shape: [16, 32], data: data.slice(0, 512) }),
    ])
    const own = Object.fromEntries(clip.parameters().map((p) => [p.name, p]))
    const joined = (await own['visual.transformer.resblocks.0.attn.in_proj_weight']!.read()).data
    expect(joined.slice(0, 1024)).toEqual(before.data)
    expect(joined.slice(1024, 2048)).toEqual(data)
    expect((await own['visual.transformer.resblocks.0.attn.in_proj_bias']!.read()).data.slice(64)).toEqual(bias)
    const projection = (await own.text_projection!.read()).data // [32, 16]
    expect([projection[0], projection[1], projection[16]]).toEqual([0, 32, 1])
    named(`${prefix}.q_proj.weight`).trainable = false
    expect(named(`${prefix}.v_proj.weight`).trainable).toBe(false) // shared, as documented
  })

  it.each([
    ['hf', 'pooler "pooler"', withText({ pooler: 'pooler' })],
    ['hf', 'no ln_final', withText({ ln_final: true })],
    ['hf', 'projection "mlp"', withText({ proj: 'mlp' })],
    ['openai', 'a BERT', CHINESE],
  ] as const)('refuse %s: %s', async (layout, message, config) => {
    await using clip = await Clip.create(config)
    expect(() => clip.parameters({ layout })).toThrow(rejection('ERR_UNSUPPORTED', message))
    await expect(clip.save(join(folder, 'm'), { layout })).rejects.toThrow(rejection('ERR_UNSUPPORTED', message))
    expect(await readdir(folder)).toEqual([])
  })

  it("refuse the reference's to a causal tower", async () => {
    await using clip = await tiny()
    const refusal = rejection('ERR_UNSUPPORTED', 'its text tower is no BERT')
    expect(() => clip.parameters({ layout: 'reference-cn' })).toThrow(refusal)
  })
})

describe("the weights' preprocessing", () => {
  const open = async (path: string, model: string) => {
    const { weights, preprocess } = await openCheckpoint(path, model)
    await weights.close()
    return preprocess
  }

  it('is the named model’s for a file that says nothing, and the own of one that does', async () => {
    const path = join(folder, 'm.safetensors')
    await writeSafetensors(path, { logit_scale: { shape: [1], data: new Float32Array(1) } })
    const name = 'OFA-Sys/chinese-clip-vit-large-patch14-336px'
    expect(await open(path, name)).toMatchObject({ resize_mode: 'squash', size: 336 })
    expect(await open(path, 'self-cn/VIT-B-32')).toMatchObject({ resize_mode: 'shortest', size: 224 })
    await using clip = await Clip.create(CHINESE, { resize: 'letterbox' })
    const own = join(folder, 'own.safetensors')
    await clip.save(own)
    expect(await open(own, name)).toMatchObject({ resize_mode: 'letterbox', size: 336 })
  })
})

describe('the tokenizer of a model', () => {
  it('is BERT’s, and its rows are the texts’', async () => {
    await using clip = await Clip.create(CHINESE)
    expect(clip.tokenizer).toBeInstanceOf(BertTokenizer)
    const tokens = clip.tokenizer.encodeBatch(texts, { contextLength: 24 })
    const { shape, data } = tokens // without lengths they end before the padding
    expect((await clip.encodeTexts({ shape, data })).data).toEqual((await clip.encodeTexts(texts)).data)
  })

  it('is named with the weights and must be one for the tower', async () => {
    await using clip = await Clip.create(CHINESE)
    const path = join(folder, 'm.safetensors')
    await clip.save(path)
    const { tensors, metadata } = await readSafetensors(path)
    expect(JSON.parse(metadata.tokenizer!)).toEqual({ type: 'bert', lower_case: true, context_length: 24, pad_id: 0 })
    const plain = Object.fromEntries(Object.entries(tensors).map(([name, { shape, data }]) => [name, { shape, data }]))
    await writeSafetensors(path, plain, { metadata: { ...metadata, tokenizer: '{"type":"clip"}' } })
    await expect(Clip.load(path)).rejects.toThrow(rejection('ERR_MISMATCH', 'takes "bert"'))
    await writeSafetensors(path, plain, { metadata: { ...metadata, tokenizer: '{"type":"bert","lower_case":3}' } })
    await expect(Clip.load(path)).rejects.toThrow(rejection('ERR_FORMAT', '"lower_case"'))
    await writeSafetensors(path, plain, { metadata: { ...metadata, tokenizer: '{"type":"bert","vocab":"a"}' } })
    await expect(Clip.load(path)).rejects.toThrow(rejection('ERR_FORMAT', 'it has no [PAD]'))
  })

  it('is missing for XLM-RoBERTa, which takes ids', async () => {
    const golden = await readGolden('openclip-xlm-roberta')
    await using clip = await Clip.load(golden.path)
    await expect(clip.encodeTexts(['a'])).rejects.toThrow(rejection('ERR_UNSUPPORTED', 'tokenizer.json does not lie'))
    expect(clip.tokenizer.padId).toBe(1)
  })
})
