/** Folders of transformers.js. Whether it opens them itself, and ONNX Runtime, `npm run test:peers` says. */
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { graphsOf } from '../../../../lib/checkpoint/layouts/onnx/graphs.js'
import { writeModelFile } from '../../../../lib/checkpoint/layouts/onnx/model-file.js'
import { Clip, type ModelConfig, type Tokens } from '../../../../lib/index.js'
import { resolveModel } from '../../../../lib/models/resolve.js'
import { isSiglip } from '../../../../lib/models/towers/siglip.js'
import { images, TINY, TINY_CHINESE, tiny, tokens } from '../../../clip/tiny.js'
import { rejection } from '../../weights.js'
import { readModel, type Value } from './decode.js'
import { runModel } from './interpreter.js'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'clipwright-onnx-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

const json = async (...path: string[]) => JSON.parse(await readFile(join(folder, ...path), 'utf8'))
const names = async (...path: string[]) => (await readdir(join(folder, ...path))).sort()

const { hf_config, ...chinese } = TINY_CHINESE.text_cfg
const bert = (text: object): ModelConfig => ({
  ...TINY_CHINESE,
  text_cfg: {
    ...chinese,
    hf_config: { ...hf_config, vocab_size: 50, num_hidden_layers: 2 },
    context_length: 8,
    ...text,
  } as never,
})
/** As open_clip's xlm-roberta-base-ViT-B-32, of which only the ids of these texts are another padding. */
const ROBERTA = bert({
  pooler: 'mean',
  proj: 'mlp',
  hf_config: {
    ...hf_config,
    model_type: 'xlm-roberta',
    vocab_size: 50,
    num_hidden_layers: 2,
    pad_token_id: 0,
    type_vocab_size: 1,
    layer_norm_eps: 1e-5,
  },
})
/** SigLIP's, whose pictures have an edge that no patch covers. */
const SIGLIP: ModelConfig = {
  embed_dim: 32,
  init_logit_bias: -3,
  custom_text: true,
  vision_cfg: {
    timm_model_name: 'vit_base_patch16_siglip_224',
    timm_pool: 'map',
    timm_proj: 'none',
    image_size: 16,
    patch_size: 7,
    width: 32,
    layers: 2,
    head_width: 16,
  },
  text_cfg: {
    ...TINY.text_cfg,
    act_kwargs: { approximate: 'tanh' },
    no_causal_mask: true,
    pool_type: 'last',
    proj_bias: true,
    pad_id: 1,
  } as never,
}
/** The second id of the second row; the others have none, and are pooled at their first. */
const EOS = { no_causal_mask: true, pool_type: 'eos', eos_id: 17, norm_kwargs: { eps: 1e-3 } }
const MODELS: [string, ModelConfig][] = [
  ['a causal tower', TINY],
  ['QuickGELU', { ...TINY, quick_gelu: true }],
  [
    'GELU by tanh, an MLP of another width, eps',
    {
      ...TINY,
      vision_cfg: {
        ...TINY.vision_cfg,
        act_kwargs: { approximate: 'tanh' },
        mlp_ratio: 2.5,
        norm_kwargs: { eps: 0.01 },
      } as never,
      text_cfg: { ...TINY.text_cfg, layers: 2, norm_kwargs: { eps: 0.02 } } as never,
    },
  ],
  ['towers for the sigmoid loss', SIGLIP],
  ['a text tower without a mask, pooled at an end token', { ...TINY, text_cfg: { ...TINY.text_cfg, ...EOS } as never }],
  [
    'a text tower pooled at its first row, without a projection',
    { ...TINY, text_cfg: { ...TINY.text_cfg, width: 16, pool_type: 'first', proj_type: 'none' } as never },
  ],
  ['a BERT', bert({})],
  ['a BERT, its rows averaged, two layers of projection', bert({ pooler: 'mean', proj: 'mlp' })],
  ['an XLM-R, whose positions begin behind padding, with two layers of projection', ROBERTA],
  [
    'a BERT with a pooler, ln_final and no projection',
    { ...bert({ pooler: 'pooler', ln_final: true, proj: 'none' }), embed_dim: 32 },
  ],
]

/** Weights that are neither nought nor one, where a mistake would not show. */
async function ruffled(config: ModelConfig): Promise<Clip> {
  const clip = await Clip.create(config, { device: 'cpu', seed: 3 })
  for (const parameter of clip.parameters()) {
    if (parameter.name === 'logit_scale') continue
    const { shape, data } = await parameter.read()
    await parameter.write({ shape, data: data.map((x, i) => x + 0.1 * Math.sin(i * i + data.length)) })
  }
  return clip
}

/** Of different lengths, without the last id in the middle. */
const IDS = tokens(4)
const MASK = Int32Array.from(IDS.data, (id) => Number(id !== 0))

const value = ({ shape, data }: { shape: readonly number[]; data: ArrayLike<number> }): Value => ({
  shape: [...shape],
  data: Array.from(data),
})
const feeds = {
  input_ids: value(IDS),
  attention_mask: value({ shape: IDS.shape, data: MASK }),
  pixel_values: value(images(3)),
}

function difference(found: Value | undefined, wanted: ArrayLike<number>): number {
  expect(found?.data.length).toBe(wanted.length)
  return Math.max(...Array.from(wanted, (x, i) => Math.abs(x - found!.data[i]!)))
}

describe.each(MODELS)('%s', (_, config) => {
  it('has the features that the graphs compute, and the logits of every pair', async () => {
    await using clip = await ruffled(config)
    const own = { normalize: false }
    const raw = { images: await clip.encodeImages(images(3), own), texts: await clip.encodeTexts(IDS as Tokens, own) }
    await clip.save(join(folder, 'm'), { layout: 'onnx' })
    const run = (name: string) => runModel(readModel(join(folder, 'm/onnx', `${name}.onnx`)), feeds)
    expect(difference(run('vision_model').image_embeds, raw.images.data)).toBeLessThan(1e-4)
    expect(difference(run('text_model').text_embeds, raw.texts.data)).toBeLessThan(1e-4)
    const [ofImages, ofTexts] = [await clip.encodeImages(images(3)), await clip.encodeTexts(IDS as Tokens)]
    const scale = await clip.logitScale()
    const bias =
      (
        await clip
          .parameters()
          .find(({ name }) => name === 'logit_bias')
          ?.read()
      )?.data[0] ?? 0
    const width = config.embed_dim
    const logit = (image: number, text: number) =>
      Array.from(
        { length: width },
        (_, i) => scale * ofImages.data[image * width + i]! * ofTexts.data[text * width + i]!,
      ).reduce((a, b) => a + b, bias)
    const pair = run('model')
    expect(Object.keys(pair)).toEqual(['logits_per_image', 'logits_per_text', 'text_embeds', 'image_embeds'])
    expect(difference(pair.image_embeds, ofImages.data)).toBeLessThan(1e-4)
    expect(difference(pair.text_embeds, ofTexts.data)).toBeLessThan(1e-4)
    const perImage = [0, 1, 2].flatMap((image) => [0, 1, 2, 3].map((text) => logit(image, text)))
    const perText = [0, 1, 2, 3].flatMap((text) => [0, 1, 2].map((image) => logit(image, text)))
    expect(difference(pair.logits_per_image, perImage)).toBeLessThan(1e-3)
    expect(difference(pair.logits_per_text, perText)).toBeLessThan(1e-3)
  })
})

describe('graphs', () => {
  it('take batches and texts of any size, and a mask of padding only where a tower sees padding', async () => {
    await using causal = await tiny()
    await using chinese = await Clip.create(bert({}))
    await causal.save(join(folder, 'causal'), { layout: 'onnx' })
    await chinese.save(join(folder, 'bert'), { layout: 'onnx' })
    const model = (path: string) => readModel(join(folder, path))
    expect(model('causal/onnx/vision_model.onnx')).toMatchObject({
      opset: 17,
      inputs: [{ name: 'pixel_values', shape: ['batch_size', 3, 16, 16] }],
      outputs: [{ name: 'image_embeds', shape: ['batch_size', 16] }],
    })
    expect(model('causal/onnx/text_model.onnx')).toMatchObject({
      inputs: [{ name: 'input_ids', shape: ['batch_size', 'sequence_length'] }],
      outputs: [{ name: 'text_embeds', shape: ['batch_size', 16] }],
    })
    expect(model('bert/onnx/text_model.onnx').inputs.map(({ name }) => name)).toEqual(['input_ids', 'attention_mask'])
    expect(model('bert/onnx/model.onnx').inputs).toEqual([
      { name: 'input_ids', shape: ['text_batch_size', 'sequence_length'] },
      { name: 'attention_mask', shape: ['text_batch_size', 'sequence_length'] },
      { name: 'pixel_values', shape: ['image_batch_size', 3, 16, 16] },
    ])
    const { text_embeds: all } = runModel(model('causal/onnx/text_model.onnx'), feeds)
    const two = { shape: [1, 4], data: IDS.data.slice(16, 20) } // four ids of the third row
    const { text_embeds: short } = runModel(model('causal/onnx/text_model.onnx'), { input_ids: value(two) })
    expect(difference(short, all!.data.slice(32, 48))).toBeLessThan(1e-9)
  })

  it('have weights of fp16 under names of their own, widened before use', async () => {
    await using clip = await ruffled(TINY)
    const { data } = await clip.encodeImages(images(3), { normalize: false })
    await clip.save(join(folder, 'm'), { layout: 'onnx', dtype: 'fp16' })
    expect(await names('m/onnx')).toEqual([
      'model_fp16.onnx',
      'parity.json',
      'text_model_fp16.onnx',
      'vision_model_fp16.onnx',
    ])
    const model = readModel(join(folder, 'm/onnx/vision_model_fp16.onnx'))
    expect(model.initializers.get('visual.proj.fp16')).toMatchObject({ shape: [32, 16], type: 10 })
    const off = difference(runModel(model, feeds).image_embeds, data)
    expect(off).toBeLessThan(2e-2)
    expect(off).toBeGreaterThan(1e-5)
    expect((await json('m/config.json'))['transformers.js_config']).toEqual({ dtype: 'fp16' })
  })

  it.each(MODELS)('have weights of int8, a scale for each column: %s', async (_, config) => {
    await using clip = await ruffled(config)
    await clip.save(join(folder, 'm'), { layout: 'onnx', dtype: 'int8' })
    const files = ['model_quantized.onnx', 'parity.json', 'text_model_quantized.onnx', 'vision_model_quantized.onnx']
    expect(await names('m/onnx')).toEqual(files)
    expect((await json('m/config.json'))['transformers.js_config']).toEqual({ dtype: 'q8' })
    const [vision, text] = ['vision', 'text'].map((name) =>
      readModel(join(folder, 'm/onnx', `${name}_model_quantized.onnx`)),
    )
    const { initializers, nodes } = vision!
    const rounded = [...initializers.keys()].filter((name) => name.endsWith('.int8')).map((name) => name.slice(0, -5))
    expect(rounded.length).toBeGreaterThan(4)
    if (!isSiglip(config.vision_cfg)) expect(rounded).toContain('visual.proj')
    for (const name of rounded) {
      const { shape, type, data: numbers } = initializers.get(`${name}.int8`)!
      expect(type, name).toBe(3)
      expect(Math.max(...numbers.map(Math.abs)), name).toBe(127)
      expect(initializers.get(`${name}.scale`), name).toMatchObject({ shape: [shape[1]], type: 1 })
      expect(initializers.has(name), name).toBe(false)
    }
    const patches = [...initializers.keys()].find((name) => /conv1\.weight|patch_embed\.proj\.weight/.test(name))
    expect(initializers.get(patches!)!.type).toBe(1)
    // What q, k and v take is rounded once, in SigLIP's two layers and for the keys and values of its pooling, too.
    const count = (op: string) => nodes.filter((node) => node.op === op).length
    expect(count('MatMulInteger') - count('DynamicQuantizeLinear')).toBe(isSiglip(config.vision_cfg) ? 5 : 2)
    const table = [...text!.initializers.keys()].find((name) => /token_embedding|word_embeddings/.test(name))
    expect(table).toMatch(/\.int8$/)
    const own = { normalize: false }
    const wanted = [await clip.encodeImages(images(3), own), await clip.encodeTexts(IDS as Tokens, own)]
    const found = [runModel(vision!, feeds).image_embeds!, runModel(text!, feeds).text_embeds!]
    for (const [i, { data }] of wanted.entries()) {
      for (let at = 0; at < data.length; at += config.embed_dim) {
        const [a, b] = [data, found[i]!.data].map((all) => Array.from(all).slice(at, at + config.embed_dim))
        const dot = (p: number[], q: number[]) => p.reduce((sum, x, j) => sum + x * q[j]!, 0)
        expect(dot(a!, b!) / Math.sqrt(dot(a!, a!) * dot(b!, b!))).toBeGreaterThan(0.995)
      }
    }
  })

  it('lie apart from their weights where one file would be too large', async () => {
    await using clip = await ruffled(TINY)
    const model = resolveModel(clip.config, clip.preprocess, 'x')
    const tensors = new Map(
      clip.parameters({ layout: 'onnx' }).map((parameter) => {
        const read = async () => (await parameter.read()).data
        return [parameter.name, { shape: parameter.shape, read }] as const
      }),
    )
    const graph = graphsOf(model, tensors).vision_model
    const count = await writeModelFile(folder, { name: 'v.onnx', graph, tensors, dtype: 'F32', largest: 30_000 })
    expect(await names()).toEqual([
      'v.onnx',
      'v.onnx_data',
      'v.onnx_data_1',
      'v.onnx_data_2',
      'v.onnx_data_3',
      'v.onnx_data_4',
      'v.onnx_data_5',
    ])
    expect(count).toBe(6)
    for (const name of await names()) expect((await stat(join(folder, name))).size).toBeLessThanOrEqual(30_000)
    const decoded = readModel(join(folder, 'v.onnx'))
    expect(decoded.initializers.get('visual.proj')!.external).toBe(true)
    const { data } = await clip.encodeImages(images(3), { normalize: false })
    expect(difference(runModel(decoded, feeds).image_embeds, data)).toBeLessThan(1e-4)
  })
})

describe('a folder', () => {
  it('says what transformers.js needs to know', async () => {
    await using clip = await Clip.create(
      { ...TINY, text_cfg: { ...TINY.text_cfg, vocab_size: 49408 } as never },
      { resize: 'squash' },
    )
    await clip.save(join(folder, 'm'), { layout: 'onnx' })
    expect(await names('m')).toEqual([
      'config.json',
      'merges.txt',
      'onnx',
      'preprocessor_config.json',
      'tokenizer.json',
      'tokenizer_config.json',
      'vocab.json',
    ])
    expect(await json('m/config.json')).toMatchObject({
      model_type: 'clip',
      projection_dim: 16,
      text_config: { vocab_size: 49408, max_position_embeddings: 8, hidden_act: 'gelu', eos_token_id: 49407 },
      vision_config: { image_size: 16, patch_size: 8, num_attention_heads: 2 },
      'transformers.js_config': { dtype: 'fp32' },
    })
    expect(await json('m/preprocessor_config.json')).toMatchObject({
      image_processor_type: 'CLIPImageProcessor',
      size: { height: 16, width: 16 },
    })
    expect(await json('m/tokenizer_config.json')).toMatchObject({ model_max_length: 8, pad_token: '<|endoftext|>' })
    expect(await json('m/onnx/parity.json')).toMatchObject({
      dtype: 'fp32',
      checked: false,
      reason: expect.stringMatching(/onnxruntime-node is not installed/),
    })
  })

  it('of a BERT has its vocabulary and the classes that transformers.js has', async () => {
    await using clip = await Clip.create(TINY_CHINESE)
    await clip.save(join(folder, 'm'), { layout: 'onnx' })
    expect(await json('m/config.json')).toMatchObject({
      model_type: 'chinese_clip',
      text_config: { vocab_size: 21128 },
    })
    expect((await json('m/preprocessor_config.json')).image_processor_type).toBe('ChineseCLIPFeatureExtractor')
    const { model, added_tokens, normalizer } = await json('m/tokenizer.json')
    expect(model).toMatchObject({ type: 'WordPiece', max_input_chars_per_word: 100 })
    expect(Object.keys(model.vocab).length).toBe(21128)
    expect(model.vocab.天).toBe(clip.tokenizer.encode('天')[0])
    expect(added_tokens.map(({ id, content }: { id: number; content: string }) => [id, content])).toContainEqual([
      101,
      '[CLS]',
    ])
    expect(normalizer.lowercase).toBe(true)
  })

  it('has no tokenizer whose ids the tower has not', async () => {
    await using causal = await tiny()
    await using chinese = await Clip.create(bert({}))
    for (const [i, clip] of [causal, chinese].entries()) {
      await clip.save(join(folder, `${i}`), { layout: 'onnx' })
      expect(await names(`${i}`)).toEqual(['config.json', 'onnx', 'preprocessor_config.json'])
    }
  })

  it('is replaced as a whole, beside what others put into it', async () => {
    await using clip = await tiny()
    await clip.save(join(folder, 'm'), { layout: 'onnx' })
    await writeFile(join(folder, 'm/README.md'), 'mine')
    await clip.save(join(folder, 'm'), { layout: 'onnx', dtype: 'fp16' })
    expect(await names('m')).toEqual(['README.md', 'config.json', 'onnx', 'preprocessor_config.json'])
    expect(await names('m/onnx')).toEqual([
      'model_fp16.onnx',
      'parity.json',
      'text_model_fp16.onnx',
      'vision_model_fp16.onnx',
    ])
    expect(await names()).toEqual(['m'])
  })

  it.each([
    ['a graph of others', 'model_q4.onnx', (path: string) => writeFile(path, '')],
    ['a folder', 'model.onnx', (path: string) => mkdir(path)],
  ])('is not replaced with %s in its folder of graphs', async (_, name, make) => {
    await using clip = await tiny()
    await clip.save(join(folder, 'm'), { layout: 'onnx', dtype: 'fp16' })
    await make(join(folder, 'm/onnx', name))
    await expect(clip.save(join(folder, 'm'), { layout: 'onnx' })).rejects.toThrow(
      rejection('ERR_INVALID_ARGUMENT', `holds onnx/${name}, which saving would not replace`),
    )
    expect(await names('m/onnx')).toContain('text_model_fp16.onnx')
  })

  it('is not one to be loaded', async () => {
    await using clip = await Clip.create(TINY_CHINESE)
    await clip.save(join(folder, 'm'), { layout: 'onnx' })
    await expect(Clip.load(join(folder, 'm'))).rejects.toThrow(rejection('ERR_NOT_FOUND', 'holds no weights'))
  })
})

describe('what has no form there is named, and nothing is left of it', () => {
  afterEach(async () => expect(await names()).toEqual([]))

  it('bf16, one file, letterboxed pictures', async () => {
    await using clip = await Clip.create(TINY, { resize: 'letterbox' })
    const save = (path: string, dtype: 'fp32' | 'bf16' = 'fp32') =>
      clip.save(join(folder, path), { layout: 'onnx', dtype })
    await expect(save('m', 'bf16')).rejects.toThrow(rejection('ERR_UNSUPPORTED', 'fp32, fp16 or int8'))
    await expect(save('m.safetensors')).rejects.toThrow(rejection('ERR_UNSUPPORTED', 'that of a folder'))
    await expect(save('m')).rejects.toThrow(
      rejection('ERR_UNSUPPORTED', 'Layout "onnx" cannot say that pictures are letterboxed'),
    )
  })

  it('kinds of towers, keys and weights that no graph knows of', async () => {
    await using clip = await tiny()
    const model = resolveModel(clip.config, clip.preprocess, 'x')
    const weights = new Map(clip.parameters({ layout: 'onnx' }).map(({ name, shape }) => [name, { shape }]))
    expect(() => graphsOf(model, weights)).not.toThrow()
    const graphs =
      (part: object, have: typeof weights = weights) =>
      () =>
        graphsOf({ ...model, ...part } as never, have)
    expect(graphs({ vision: { ...model.vision, kind: 'resnet' } })).toThrow(
      /no graph for image towers of the kind "resnet"/,
    )
    expect(graphs({ text: { ...model.text, pool: 'last' } })).toThrow(/no graph for text towers with "pool"/)
    expect(graphs({ text: { ...model.text, activation: 'relu' } })).toThrow(/no graph for the activation "relu"/)
    expect(graphs({ vision: { ...model.vision, layers: 2 } })).toThrow(
      /would need the weight "visual.transformer.resblocks.1/,
    )
    expect(graphs({ text: { ...model.text, layers: 0 } })).toThrow(
      /would take the weight "transformer.resblocks.0.* and \d+ more/,
    )
  })
})
