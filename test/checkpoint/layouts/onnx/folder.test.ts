/** Folders of transformers.js. Whether it opens them itself, and ONNX Runtime, `npm run test:peers` says. */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { graphsOf } from '../../../../lib/checkpoint/layouts/onnx/graphs.js'
import { Clip } from '../../../../lib/index.js'
import { resolveModel } from '../../../../lib/models/resolve.js'
import { TINY, TINY_CHINESE, tiny } from '../../../clip/tiny.js'
import { rejection } from '../../weights.js'
import { folderOfEachTest } from './folder-of-each-test.js'
import { bert } from './models.js'

const at = folderOfEachTest()
const { json, names } = at

describe('a folder', () => {
  it('says what transformers.js needs to know', async () => {
    await using clip = await Clip.create(
      { ...TINY, text_cfg: { ...TINY.text_cfg, vocab_size: 49408 } as never },
      { resize: 'squash' },
    )
    await clip.save(join(at.path, 'm'), { layout: 'onnx' })
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
    await clip.save(join(at.path, 'm'), { layout: 'onnx' })
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
      await clip.save(join(at.path, `${i}`), { layout: 'onnx' })
      expect(await names(`${i}`)).toEqual(['config.json', 'onnx', 'preprocessor_config.json'])
    }
  })

  it('is replaced as a whole, beside what others put into it', async () => {
    await using clip = await tiny()
    await clip.save(join(at.path, 'm'), { layout: 'onnx' })
    await writeFile(join(at.path, 'm/README.md'), 'mine')
    await clip.save(join(at.path, 'm'), { layout: 'onnx', dtype: 'fp16' })
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
    await clip.save(join(at.path, 'm'), { layout: 'onnx', dtype: 'fp16' })
    await make(join(at.path, 'm/onnx', name))
    await expect(clip.save(join(at.path, 'm'), { layout: 'onnx' })).rejects.toThrow(
      rejection('ERR_INVALID_ARGUMENT', `holds onnx/${name}, which saving would not replace`),
    )
    expect(await names('m/onnx')).toContain('text_model_fp16.onnx')
  })

  it('is not one to be loaded', async () => {
    await using clip = await Clip.create(TINY_CHINESE)
    await clip.save(join(at.path, 'm'), { layout: 'onnx' })
    await expect(Clip.load(join(at.path, 'm'))).rejects.toThrow(rejection('ERR_NOT_FOUND', 'holds no weights'))
  })
})

describe('what has no form there is named, and nothing is left of it', () => {
  afterEach(async () => expect(await names()).toEqual([]))

  it('bf16, one file, letterboxed pictures', async () => {
    await using clip = await Clip.create(TINY, { resize: 'letterbox' })
    const save = (path: string, dtype: 'fp32' | 'bf16' = 'fp32') =>
      clip.save(join(at.path, path), { layout: 'onnx', dtype })
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
