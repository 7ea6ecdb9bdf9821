/** Folders of transformers.js. Whether it opens them itself, and ONNX Runtime, `npm run test:peers` says. */
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { graphsOf } from '../../../../lib/checkpoint/layouts/onnx/graphs.js'
import { writeModelFile } from '../../../../lib/checkpoint/layouts/onnx/model-file.js'
import { Clip, type Tokens } from '../../../../lib/index.js'
import { resolveModel } from '../../../../lib/models/resolve.js'
import { isSiglip } from '../../../../lib/models/towers/siglip.js'
import { images, TINY, tiny } from '../../../clip/tiny.js'
import { readModel } from './decode.js'
import { folderOfEachTest } from './folder-of-each-test.js'
import { runModel } from './interpreter.js'
import { bert, difference, feeds, IDS, MODELS, ruffled, value } from './models.js'

const at = folderOfEachTest()
const { json, names } = at

describe.each(MODELS)('%s', (_, config) => {
  it('has the features that the graphs compute, and the logits of every pair', async () => {
    await using clip = await ruffled(config)
    const own = { normalize: false }
    const raw = { images: await clip.encodeImages(images(3), own), texts: await clip.encodeTexts(IDS as Tokens, own) }
    await clip.save(join(at.path, 'm'), { layout: 'onnx' })
    const run = (name: string) => runModel(readModel(join(at.path, 'm/onnx', `${name}.onnx`)), feeds)
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
    await causal.save(join(at.path, 'causal'), { layout: 'onnx' })
    await chinese.save(join(at.path, 'bert'), { layout: 'onnx' })
    const model = (path: string) => readModel(join(at.path, path))
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
    await clip.save(join(at.path, 'm'), { layout: 'onnx', dtype: 'fp16' })
    expect(await names('m/onnx')).toEqual([
      'model_fp16.onnx',
      'parity.json',
      'text_model_fp16.onnx',
      'vision_model_fp16.onnx',
    ])
    const model = readModel(join(at.path, 'm/onnx/vision_model_fp16.onnx'))
    expect(model.initializers.get('visual.proj.fp16')).toMatchObject({ shape: [32, 16], type: 10 })
    const off = difference(runModel(model, feeds).image_embeds, data)
    expect(off).toBeLessThan(2e-2)
    expect(off).toBeGreaterThan(1e-5)
    expect((await json('m/config.json'))['transformers.js_config']).toEqual({ dtype: 'fp16' })
  })

  it.each(MODELS)('have weights of int8, a scale for each column: %s', async (_, config) => {
    await using clip = await ruffled(config)
    await clip.save(join(at.path, 'm'), { layout: 'onnx', dtype: 'int8' })
    const files = ['model_quantized.onnx', 'parity.json', 'text_model_quantized.onnx', 'vision_model_quantized.onnx']
    expect(await names('m/onnx')).toEqual(files)
    expect((await json('m/config.json'))['transformers.js_config']).toEqual({ dtype: 'q8' })
    const [vision, text] = ['vision', 'text'].map((name) =>
      readModel(join(at.path, 'm/onnx', `${name}_model_quantized.onnx`)),
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
    const count = await writeModelFile(at.path, { name: 'v.onnx', graph, tensors, dtype: 'F32', largest: 30_000 })
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
    for (const name of await names()) expect((await stat(join(at.path, name))).size).toBeLessThanOrEqual(30_000)
    const decoded = readModel(join(at.path, 'v.onnx'))
    expect(decoded.initializers.get('visual.proj')!.external).toBe(true)
    const { data } = await clip.encodeImages(images(3), { normalize: false })
    expect(difference(runModel(decoded, feeds).image_embeds, data)).toBeLessThan(1e-4)
  })
})
