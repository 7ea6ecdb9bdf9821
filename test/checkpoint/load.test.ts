import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openTensors } from '../../lib/checkpoint/formats/tensor-files.js'
import { WeightFile } from '../../lib/checkpoint/formats/weight-file.js'
import { readWeights } from '../../lib/clip/read-weights.js'
import { sessionOf } from '../../lib/clip/session.js'
import { Clip, readSafetensors, writeSafetensors } from '../../lib/index.js'
import { TINY, tiny } from '../clip/tiny.js'
import { golden, rejection, weights } from './weights.js'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'clipwright-load-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

describe('one file', () => {
  it('of OpenAI needs the model, and its three sizes are no parameters', async () => {
    const { tensors } = await readSafetensors(join(golden('openclip-gelu'), 'open_clip_model.safetensors'))
    const path = join(folder, 'openai.safetensors')
    const one = (value: number) => ({ shape: [], data: BigInt64Array.of(BigInt(value)) })
    await writeSafetensors(path, {
      ...Object.fromEntries(Object.entries(tensors).map(([name, { shape, data }]) => [name, { shape, data }])),
      input_resolution: one(32),
      context_length: one(16),
      vocab_size: one(128),
    })
    await expect(Clip.load(path)).rejects.toThrow(rejection('ERR_INVALID_ARGUMENT', 'does not say which model'))
    const { model_cfg } = JSON.parse(await readFile(join(golden('openclip-gelu'), 'open_clip_config.json'), 'utf8'))
    await using clip = await Clip.load(path, { model: model_cfg })
    expect((await weights(clip))['visual.proj']).toEqual(tensors['visual.proj']!.data)
  })
})

describe('weights in several files', () => {
  it.each(['open_clip_model', 'model'])('load by their index %s.safetensors.index.json', async (name) => {
    await using clip = await tiny()
    await clip.save(join(folder, 'm'))
    const whole = join(folder, 'm', 'open_clip_model.safetensors')
    const { tensors } = await readSafetensors(whole)
    await rm(whole)
    const shards: Record<string, typeof tensors> = { 'a.safetensors': {}, 'b.safetensors': {} }
    const weightMap: Record<string, string> = {}
    for (const [i, [tensor, values]] of Object.entries(tensors).entries()) {
      const shard = i % 2 ? 'a.safetensors' : 'b.safetensors'
      shards[shard]![tensor] = values
      weightMap[tensor] = shard
    }
    for (const [shard, part] of Object.entries(shards)) await writeSafetensors(join(folder, 'm', shard), part)
    const index = join(folder, 'm', `${name}.safetensors.index.json`)
    await writeFile(index, JSON.stringify({ metadata: { total_size: 1 }, weight_map: weightMap }))
    await using again = await Clip.load(join(folder, 'm'))
    expect(await weights(again)).toEqual(await weights(clip))
    await using byIndex = await Clip.load(index, { model: TINY })
    expect(await weights(byIndex)).toEqual(await weights(clip))
    await rm(index)
    await expect(Clip.load(join(folder, 'm'))).rejects.toThrow(rejection('ERR_NOT_FOUND', 'm holds no weights'))
  })
})

describe('what goes wrong while weights are read', () => {
  it.each([
    { dtype: 'fp32', trainable: true },
    { dtype: 'fp32', trainable: false },
    { dtype: 'fp16', trainable: true },
    { dtype: 'bf16', trainable: false },
  ] as const)('a file of $dtype that is cut meanwhile, trainable: $trainable', async ({ dtype, trainable }) => {
    await using made = await tiny()
    const path = join(folder, 'm.safetensors')
    await made.save(path, { dtype })
    await using clip = await Clip.load(path, { trainable })
    const file = await openTensors(path)
    const { size } = await stat(path)
    await truncate(path, size - 5)
    const reading = readWeights(sessionOf(clip, 'test'), clip.config, file, { manner: 'strict', seed: 0 })
    await expect(reading).rejects.toThrow(
      rejection('ERR_FORMAT', `it ended at byte ${size - 5} while it was being read`),
    )
    await file.close()
  })

  it('what the system says is told as of any other file', async () => {
    const path = join(folder, 'm.safetensors')
    await writeSafetensors(path, {})
    const file = await WeightFile.open(path, 'safetensors')
    expect(file.readFailure(8, 5)).toEqual(
      rejection('ERR_IO', 'm.safetensors could not be read (EIO: i/o error, read)'),
    )
    await file.close()
  })
})

describe('paths', () => {
  it.each([
    ['ERR_NOT_FOUND', 'neither a folder nor a file', 'nothing'],
    ['ERR_NOT_FOUND', 'holds neither open_clip_config.json nor config.json', 'empty'],
    ['ERR_NOT_FOUND', 'open_clip_model.safetensors', 'weightless'],
    ['ERR_FORMAT', 'is not JSON', 'torn'],
    ['ERR_FORMAT', 'has no "model_cfg"', 'other'],
    ['ERR_FORMAT', '"embed_dim": expected number, got "wide"', 'mistyped'],
    ['ERR_FORMAT', 'unknown key "embed_dm" (did you mean "embed_dim"?)', 'misspelt'],
    ['ERR_UNSUPPORTED', 'text_cfg.hf_model_name', 'bert'],
    ['ERR_NOT_FOUND', 'run is the folder of a training run', 'run'],
    ['ERR_UNSUPPORTED', 'a model of type "blip", which is not supported yet', 'hf'],
    ['ERR_FORMAT', 'open_clip_pytorch_model.bin is not a valid PyTorch file', 'pickled'],
    ['ERR_FORMAT', 'model.pt is not a valid PyTorch file', 'model.pt'],
    ['ERR_UNSUPPORTED', 'a file of type ".npz" is not supported yet', 'model.npz'],
    ['ERR_FORMAT', 'model.safetensors', 'model.safetensors'],
  ])('%s: %s', async (code, message, name) => {
    const files: Record<string, string> = {
      'weightless/open_clip_config.json': JSON.stringify({ model_cfg: TINY }),
      'torn/open_clip_config.json': '{"model_cfg":',
      'other/open_clip_config.json': '{"architectures":["CLIPModel"]}',
      'mistyped/open_clip_config.json': JSON.stringify({ model_cfg: { ...TINY, embed_dim: 'wide' } }),
      'misspelt/open_clip_config.json': JSON.stringify({ model_cfg: { ...TINY, embed_dm: 3 } }),
      'bert/open_clip_config.json': JSON.stringify({ model_cfg: { ...TINY, text_cfg: { hf_model_name: 'bert' } } }),
      'run/config.json': '{}',
      'run/checkpoints/last/open_clip_config.json': '{}',
      'hf/config.json': '{"model_type":"blip"}',
      'pickled/open_clip_config.json': JSON.stringify({ model_cfg: TINY }),
      'pickled/open_clip_pytorch_model.bin': 'x',
      'mistyped/open_clip_model.safetensors': 'x',
      'misspelt/open_clip_model.safetensors': 'x',
      'model.pt': 'x',
      'model.npz': 'x',
      'model.safetensors': 'x',
    }
    await mkdir(join(folder, 'empty'))
    for (const [file, text] of Object.entries(files)) {
      await mkdir(join(folder, file, '..'), { recursive: true })
      await writeFile(join(folder, file), text)
    }
    await expect(Clip.load(join(folder, name))).rejects.toThrow(rejection(code, message))
  })

  it('names what else cannot be loaded', async () => {
    await expect(Clip.load('hf-hub:laion')).rejects.toThrow(rejection('ERR_INVALID_ARGUMENT', 'hf-hub:owner/name'))
    await expect(Clip.load(7 as never)).rejects.toThrow(rejection('ERR_INVALID_ARGUMENT', 'Clip.load'))
    await expect(Clip.load(folder, { model: 'ViT-B-23' })).rejects.toThrow(
      rejection('ERR_UNKNOWN_MODEL', /did you mean .*ViT-B-32/),
    )
    await expect(Clip.load(folder, { modle: 'ViT-B-32' } as never)).rejects.toThrow(
      rejection('ERR_INVALID_ARGUMENT', 'did you mean "model"'),
    )
    await using clip = await tiny()
    await expect(clip.save(join(folder, 'x'), { layout: 'reference-cn' })).rejects.toThrow(
      rejection('ERR_UNSUPPORTED', '"reference-cn"'),
    )
    await expect(clip.save(join(folder, 'x'), { dtype: 'fp8' as never })).rejects.toThrow(
      rejection('ERR_INVALID_ARGUMENT', '"dtype"'),
    )
    expect(await readdir(folder)).toEqual([])
  })

  it('takes a bare weight file in a folder with the model told', async () => {
    await copyFile(
      join(golden('openclip-gelu'), 'open_clip_model.safetensors'),
      join(folder, 'open_clip_model.safetensors'),
    )
    const { model_cfg } = JSON.parse(await readFile(join(golden('openclip-gelu'), 'open_clip_config.json'), 'utf8'))
    await using clip = await Clip.load(folder, { model: model_cfg })
    expect(clip.parameters().length).toBe(62)
  })

  it('refuses weights of another tokenizer', async () => {
    await using clip = await tiny()
    const path = join(folder, 'm.safetensors')
    await clip.save(path)
    const { tensors, metadata } = await readSafetensors(path)
    const plain = Object.entries(tensors).map(([name, { shape, data }]) => [name, { shape, data }])
    await writeSafetensors(path, Object.fromEntries(plain), { metadata: { ...metadata, tokenizer: '{"type":"t5"}' } })
    await expect(Clip.load(path)).rejects.toThrow(rejection('ERR_UNSUPPORTED', 'the tokenizer "t5"'))
    await writeSafetensors(path, Object.fromEntries(plain), { metadata: { ...metadata, tokenizer: '{"type":"bert"}' } })
    await expect(Clip.load(path)).rejects.toThrow(rejection('ERR_MISMATCH', 'takes "clip"'))
  })
})

describe('what names a model', () => {
  it('may be a file: URL, and no other', async () => {
    await using clip = await tiny()
    await clip.save(join(folder, 'm'))
    await using again = await Clip.load(pathToFileURL(join(folder, 'm')))
    expect(again.config).toEqual(clip.config)
    await expect(Clip.load(new URL('https://example.com/m'))).rejects.toThrow(
      rejection('ERR_INVALID_ARGUMENT', 'expected a file: URL'),
    )
  })

  it.each(['ViT-B-32', 'openai/VIT-B-32', 'ViT-tiny-test'])('%s alone has no weights, which is said', async (name) => {
    await expect(Clip.load(name)).rejects.toThrow(
      rejection(
        'ERR_NOT_FOUND',
        /is the name of a model, and a name alone has no weights: .*pass a folder.*Clip\.create/,
      ),
    )
  })

  it('says nothing of models where a path is simply missing', async () => {
    await expect(Clip.load(join(folder, 'nothing'))).rejects.toThrow(rejection('ERR_NOT_FOUND', /nor a file\.$/))
  })
})
