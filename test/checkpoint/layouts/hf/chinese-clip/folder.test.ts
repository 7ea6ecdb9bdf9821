import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { fromChineseClip } from '../../../../../lib/checkpoint/layouts/hf/chinese-clip/config.js'
import { readHfFolder } from '../../../../../lib/checkpoint/layouts/hf/folder.js'
import { Clip } from '../../../../../lib/clip/clip.js'
import { parseModelConfig } from '../../../../../lib/models/config.js'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'clipwright-hf-'))
})
afterEach(() => rm(folder, { recursive: true }))

const CONFIG = {
  model_type: 'chinese_clip',
  projection_dim: 16,
  text_config: {
    vocab_size: 21128,
    hidden_size: 32,
    num_hidden_layers: 1,
    num_attention_heads: 2,
    intermediate_size: 64,
    max_position_embeddings: 24,
  },
  vision_config: {
    hidden_size: 32,
    intermediate_size: 128,
    num_hidden_layers: 1,
    num_attention_heads: 2,
    image_size: 16,
    patch_size: 8,
  },
}
type File = 'config.json' | 'preprocessor_config.json' | 'tokenizer_config.json'
const write = (name: File, value: object) => writeFile(join(folder, name), JSON.stringify(value))
const written = async (path: string, name: File) => JSON.parse(await readFile(join(path, name), 'utf8'))

async function read(name: File, value: object) {
  await write('config.json', CONFIG)
  await write(name, value)
  return readHfFolder(folder)
}

describe('readHfFolder', () => {
  const square = { height: 16, width: 16 }
  it.each([
    [{}, 'shortest'],
    [{ size: square }, 'squash'],
    [{ do_center_crop: false, size: square }, 'squash'],
    [{ do_center_crop: false, size: { shortest_edge: 16 } }, 'shortest'],
    [{ do_center_crop: true, size: 16, resample: 3 }, 'shortest'],
  ])('preprocesses by %j: %s', async (value, resize_mode) => {
    expect((await read('preprocessor_config.json', value)).preprocess).toMatchObject({ resize_mode, size: 16 })
  })

  it('takes mean and deviation', async () => {
    const value = { image_mean: [0.1, 0.2, 0.3], image_std: [0.4, 0.5, 0.6] }
    const { preprocess } = await read('preprocessor_config.json', value)
    expect(preprocess).toMatchObject({ mean: value.image_mean, std: value.image_std })
  })

  it.each([
    ['ERR_FORMAT', 'image_std.1', { image_std: [1, 0, 1] }],
    ['ERR_UNSUPPORTED', 'resample', { resample: 0 }],
  ])('refuses, with %s: %s', async (code, key, value) => {
    await expect(read('preprocessor_config.json', value)).rejects.toMatchObject({
      code,
      message: expect.stringMatching(new RegExp(`preprocessor_config\\.json.*"${key}"`)),
    })
  })

  it.each([
    [{}, true, undefined],
    [{ do_lower_case: false }, false, undefined],
    [{ model_max_length: 7 }, true, 7],
    [{ model_max_length: 2 }, true, 2],
    [{ model_max_length: 1 }, true, undefined],
    [{ model_max_length: 24 }, true, 24],
    // More than the tower has places, and what tokenizers without a limit say.
    [{ model_max_length: 25 }, true, undefined],
    [{ model_max_length: 1e30 }, true, undefined],
    [{ model_max_length: 7.5 }, true, undefined],
  ])('tokenizes by %j', async (value, lowerCase, contextLength) => {
    const { tokenizer, config } = await read('tokenizer_config.json', value)
    expect(tokenizer).toEqual({ type: 'bert', lowerCase })
    expect(config.text_cfg.context_length).toBe(contextLength)
  })

  it('tells what cannot be read from what is not there', async () => {
    await mkdir(join(folder, 'vocab.txt'))
    await expect(read('tokenizer_config.json', {})).rejects.toMatchObject({
      code: 'ERR_IO',
      message: expect.stringContaining('vocab.txt'),
    })
  })
})

describe('a saved folder', () => {
  const config = parseModelConfig(fromChineseClip(CONFIG, 'x'), 'x')

  it('says how texts and pictures are prepared', async () => {
    const [first, second] = [join(folder, 'first'), join(folder, 'second')]
    await using clip = await Clip.create(config)
    await clip.save(first, { layout: 'hf' })
    const { mean, std } = clip.preprocess
    const preprocessor = {
      image_processor_type: 'ChineseCLIPImageProcessor',
      do_convert_rgb: true,
      do_resize: true,
      size: { shortest_edge: 16 },
      resample: 3,
      do_center_crop: true,
      crop_size: { height: 16, width: 16 },
      do_rescale: true,
      rescale_factor: 1 / 255,
      do_normalize: true,
      image_mean: mean,
      image_std: std,
    }
    const tokenizer = { tokenizer_class: 'BertTokenizer', do_lower_case: true, model_max_length: 24 }
    expect(await written(first, 'preprocessor_config.json')).toEqual(preprocessor)
    expect(await written(first, 'tokenizer_config.json')).toEqual(tokenizer)

    const squash = { size: { height: 16, width: 16 }, do_center_crop: false }
    const other = { ...preprocessor, ...squash, image_mean: [0.1, 0.2, 0.3], image_std: [0.4, 0.5, 0.6] }
    await writeFile(join(first, 'preprocessor_config.json'), JSON.stringify(other))
    await writeFile(join(first, 'tokenizer_config.json'), '{"do_lower_case":false,"model_max_length":9}')
    await using again = await Clip.load(first)
    await again.save(second, { layout: 'hf' })
    expect(await written(second, 'preprocessor_config.json')).toEqual(other)
    expect(await written(second, 'tokenizer_config.json')).toEqual({
      ...tokenizer,
      do_lower_case: false,
      model_max_length: 9,
    })
  })

  it('cannot be that of a letterbox', async () => {
    await using clip = await Clip.create(config, { resize: 'letterbox' })
    await expect(clip.save(join(folder, 'm'), { layout: 'hf' })).rejects.toMatchObject({ code: 'ERR_UNSUPPORTED' })
  })
})
