import { copyFile, mkdir, mkdtemp, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { saveModel } from '../../lib/clip/save.js'
import { Clip, type ClipwrightError, type LoadReport, readSafetensors, writeSafetensors } from '../../lib/index.js'
import { TINY, tiny } from '../clip/tiny.js'

const golden = (name: string) => fileURLToPath(new URL(`../goldens/${name}`, import.meta.url))
const rejection = (code: string, message: string | RegExp) =>
  expect.objectContaining({
    code,
    message: typeof message === 'string' ? expect.stringContaining(message) : expect.stringMatching(message),
  })

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'clipwright-save-'))
})
afterEach(async () => {
  vi.restoreAllMocks()
  await rm(folder, { recursive: true, force: true })
})

async function weights(clip: Clip): Promise<Record<string, Float32Array>> {
  const all = clip.parameters().map(async (p) => [p.name, (await p.read()).data] as const)
  return Object.fromEntries(await Promise.all(all))
}

describe('a folder', () => {
  it.each(['openclip-gelu', 'openclip-quickgelu'])('of open_clip comes back as it was: %s', async (name) => {
    await using clip = await Clip.load(golden(name))
    const path = join(folder, 'deep', 'model')
    await clip.save(path)
    expect((await readdir(path)).sort()).toEqual(['open_clip_config.json', 'open_clip_model.safetensors'])
    expect(await readdir(join(folder, 'deep'))).toEqual(['model'])
    const [saved, original] = await Promise.all(
      [path, golden(name)].map(async (p) => JSON.parse(await readFile(join(p, 'open_clip_config.json'), 'utf8'))),
    )
    expect(saved).toEqual(original)
    const [a, b] = await Promise.all(
      [path, golden(name)].map((p) => readSafetensors(join(p, 'open_clip_model.safetensors'))),
    )
    expect(a!.tensors).toEqual(b!.tensors)
    expect(a!.metadata.format).toBe('pt')
    await using again = await Clip.load(path)
    expect(again.config).toEqual(clip.config)
    expect(again.preprocess).toEqual(clip.preprocess)
    expect(await weights(again)).toEqual(await weights(clip))
  })

  it('holds the weights as they were at the call', async () => {
    await using clip = await tiny()
    const before = await weights(clip)
    const proj = clip.parameters().find((p) => p.name === 'visual.proj')!
    const saving = clip.save(join(folder, 'm'))
    await proj.write({ shape: [32, 16], data: new Float32Array(512) })
    await saving
    await using again = await Clip.load(join(folder, 'm'))
    expect((await weights(again))['visual.proj']).toEqual(before['visual.proj'])
  })

  it('replaces an earlier model and nothing else', async () => {
    await using a = await tiny({ seed: 1 })
    await using b = await tiny({ seed: 2 })
    const path = join(folder, 'm')
    await mkdir(path)
    await a.save(path)
    await b.save(path)
    await using again = await Clip.load(path)
    expect(await weights(again)).toEqual(await weights(b))
    const other = join(folder, 'photos')
    await mkdir(other)
    await writeFile(join(other, 'cat.jpg'), 'x')
    await expect(b.save(other)).rejects.toThrow(rejection('ERR_INVALID_ARGUMENT', 'photos is a folder without'))
    await writeFile(join(folder, 'file'), 'x')
    await expect(b.save(join(folder, 'file'))).rejects.toThrow(rejection('ERR_INVALID_ARGUMENT', 'is a file'))
    expect((await readdir(folder)).sort()).toEqual(['file', 'm', 'photos'])
    expect(await readdir(other)).toEqual(['cat.jpg'])
  })

  it('keeps the earlier model when something fails on the way', async () => {
    await using a = await tiny({ seed: 1 })
    await using b = await tiny({ seed: 2 })
    const path = join(folder, 'm')
    await a.save(path)
    const failure = new Error('out of luck')
    const write = async (aside: string) => {
      expect((await readdir(aside)).length).toBe(2)
      throw failure
    }
    await expect(saveModel(b, path, {}, { also: { files: [], write } })).rejects.toBe(failure)
    expect(await readdir(folder)).toEqual(['m'])
    await using again = await Clip.load(path)
    expect(await weights(again)).toEqual(await weights(a))
  })

  it('takes more files along, to be there when the folder is', async () => {
    await using clip = await tiny()
    await saveModel(
      clip,
      join(folder, 'm'),
      {},
      {
        also: { files: ['training.txt'], write: (aside) => writeFile(join(aside, 'training.txt'), 'step 3') },
      },
    )
    expect(await readFile(join(folder, 'm', 'training.txt'), 'utf8')).toBe('step 3')
  })

  it.each([
    ['a run’s state', 'training.safetensors'],
    ['another layout’s description', 'config.json'],
    ['another layout’s weights', 'model.safetensors'],
    ['the index of older shards', 'open_clip_model.safetensors.index.json'],
    ['pickled weights', 'open_clip_pytorch_model.bin'],
  ])('is refused where %s would be read with the new weights', async (_, name) => {
    await using clip = await tiny({ seed: 1 })
    const path = join(folder, 'm')
    await clip.save(path)
    await writeFile(join(path, 'notes.txt'), 'mine')
    await clip.save(path)
    expect(await readFile(join(path, 'notes.txt'), 'utf8')).toBe('mine')
    await writeFile(join(path, name), 'theirs')
    const before = await readFile(join(path, 'open_clip_model.safetensors'))
    await using other = await tiny({ seed: 2 })
    await expect(other.save(path)).rejects.toThrow(rejection('ERR_INVALID_ARGUMENT', `m holds ${name}, which`))
    expect(await readFile(join(path, name), 'utf8')).toBe('theirs')
    expect(await readFile(join(path, 'open_clip_model.safetensors'))).toEqual(before)
  })

  it('that a crash left between two names is found again, and put back by the next save', async () => {
    await using clip = await tiny()
    await clip.save(join(folder, 'm'))
    await rename(join(folder, 'm'), join(folder, '.m.previous'))
    await using again = await Clip.load(join(folder, 'm'))
    expect(await weights(again)).toEqual(await weights(clip))
    expect(await readdir(folder)).toEqual(['.m.previous'])
    await clip.save(join(folder, 'm'))
    expect(await readdir(folder)).toEqual(['m'])
  })
})

describe('one file', () => {
  it('says itself which model it holds', async () => {
    await using clip = await tiny()
    const path = join(folder, 'm.safetensors')
    await clip.save(path)
    expect(await readdir(folder)).toEqual(['m.safetensors'])
    await using again = await Clip.load(path)
    expect(again.config).toEqual(TINY)
    expect(await weights(again)).toEqual(await weights(clip))
  })

  it('ends in .safetensors however that is written', async () => {
    await using clip = await tiny()
    const path = join(folder, 'M.SAFETENSORS')
    await clip.save(path)
    expect((await stat(path)).isFile()).toBe(true)
    await using again = await Clip.load(path)
    expect(await weights(again)).toEqual(await weights(clip))
  })

  it.each(['m.pt', 'm.onnx', 'm.PTH', 'm.bin', 'm.ckpt', 'm.gguf'])(
    'is not written in formats that are not there, nor is a folder of that name: %s',
    async (name) => {
      await using clip = await tiny()
      await expect(clip.save(join(folder, name))).rejects.toThrow(
        rejection('ERR_UNSUPPORTED', /is the name of a file of type "\.\w+", .*ends in \.safetensors/),
      )
      expect(await readdir(folder)).toEqual([])
    },
  )

  it.each([
    ['fp16', 2 ** -11],
    ['bf16', 2 ** -8],
  ] as const)('may be rounded to %s', async (dtype, tolerance) => {
    await using clip = await tiny()
    const path = join(folder, 'm.safetensors')
    await clip.save(path, { dtype, layout: 'openai' })
    const { tensors } = await readSafetensors(path)
    expect(tensors['visual.proj']!.dtype).toBe({ fp16: 'F16', bf16: 'BF16' }[dtype])
    await using again = await Clip.load(path)
    const [exact, rounded] = [await weights(clip), await weights(again)]
    expect(rounded['visual.proj']).not.toEqual(exact['visual.proj'])
    for (const [name, values] of Object.entries(exact)) {
      values.forEach((x, i) => {
        expect(Math.abs(rounded[name]![i]! - x)).toBeLessThanOrEqual(tolerance * Math.abs(x) + 1e-7)
      })
    }
  })

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

describe('weights that do not fit', () => {
  const odd = async () => {
    await using clip = await tiny()
    const path = join(folder, 'm')
    await clip.save(path)
    const file = join(path, 'open_clip_model.safetensors')
    const { tensors, metadata } = await readSafetensors(file)
    const { 'ln_final.bias': _, logit_scale: __, ...rest } = tensors
    const changed = {
      ...rest,
      text_projection: { shape: [16, 32], data: new Float32Array(512).fill(5) },
      'visual.proj': { shape: [32, 16], data: new Int32Array(512) },
      'visual.extra': { shape: [1], data: Float32Array.of(1) },
    }
    const plain = Object.entries(changed).map(([name, { shape, data }]) => [name, { shape, data }])
    await writeSafetensors(file, Object.fromEntries(plain), { metadata })
    return { path, tensors }
  }

  it('are all named', async () => {
    const { path } = await odd()
    const failed = Clip.load(path)
    await expect(failed).rejects.toThrow(rejection('ERR_MISMATCH', '2 missing (ln_final.bias, logit_scale)'))
    await expect(failed).rejects.toThrow(rejection('ERR_MISMATCH', '1 unexpected (visual.extra)'))
    await expect(failed).rejects.toThrow(rejection('ERR_MISMATCH', 'text_projection is [16, 32], not [32, 16]'))
    await expect(failed).rejects.toThrow(rejection('ERR_MISMATCH', 'visual.proj is I32, not floats'))
  })

  it('are left out when strict is false, with a warning; the rest starts at random', async () => {
    const { path, tensors } = await odd()
    const warn = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
    await using clip = await Clip.load(path, { strict: false })
    const message = 'Not there, so at their initial values: 2 (ln_final.bias, logit_scale). '
    expect(warn).toHaveBeenCalledExactlyOnceWith(expect.stringContaining(message), {
      code: 'CLIPWRIGHT_PARTIAL_WEIGHTS',
    })
    const loaded = await weights(clip)
    expect(loaded['visual.conv1.weight']).toEqual(tensors['visual.conv1.weight']!.data)
    expect(loaded.logit_scale![0]).toBeCloseTo(Math.log(1 / 0.07), 6)
    expect(loaded.text_projection).not.toContain(5)
    expect(loaded.text_projection!.some((x) => x !== 0)).toBe(true)
  })

  it('are told of where somebody asks, and the rest is drawn by the seed', async () => {
    const { path } = await odd()
    const warn = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
    const reports: LoadReport[] = []
    const onReport = (report: LoadReport) => void reports.push(report)
    await using one = await Clip.load(path, { strict: false, onReport, seed: 3 })
    await using two = await Clip.load(path, { strict: false, onReport, seed: 3 })
    await using other = await Clip.load(path, { strict: false, onReport, seed: 4 })
    expect(warn).not.toHaveBeenCalled()
    const { loaded, ...left } = reports[0]!
    expect(left).toEqual({
      path: join(path, 'open_clip_model.safetensors'),
      missing: ['ln_final.bias', 'logit_scale'],
      mismatched: ['visual.proj is I32, not floats', 'text_projection is [16, 32], not [32, 16]'],
      unexpected: ['visual.extra'],
    })
    expect([...loaded, 'ln_final.bias', 'logit_scale', 'text_projection', 'visual.proj'].sort()).toEqual(
      one
        .parameters()
        .map(({ name }) => name)
        .sort(),
    )
    const drawn = async (clip: Clip) => (await weights(clip)).text_projection
    expect(await drawn(one)).toEqual(await drawn(two))
    expect(await drawn(one)).not.toEqual(await drawn(other))
    await expect(Clip.load(path, { onReport: 'x' as never })).rejects.toThrow(
      rejection('ERR_INVALID_ARGUMENT', '"onReport": expected a function'),
    )
  })

  it.each([false, true])('are an error when none fits, not a random model, allowPartial: %s', async (allowPartial) => {
    await using clip = await tiny()
    const path = join(folder, 'm.safetensors')
    await clip.save(path)
    const { tensors } = await readSafetensors(path)
    const under = (prefix: string) =>
      Object.fromEntries(Object.entries(tensors).map(([name, { shape, data }]) => [prefix + name, { shape, data }]))
    const whole = await readSafetensors(path)
    await writeSafetensors(path, { ...under('inner.'), logit_scale: whole.tensors.logit_scale! })
    await expect(Clip.load(path, { model: TINY, strict: false, allowPartial })).rejects.toThrow(
      rejection(
        'ERR_MISMATCH',
        /holds no weight of this model's towers .*inner\..* and \d+ more\), so all of it would be random/,
      ),
    )
  })

  it('are an error when a tower that is there hardly fits, unless that is wanted', async () => {
    await using clip = await tiny()
    const path = join(folder, 'm.safetensors')
    await clip.save(path)
    const { tensors } = await readSafetensors(path)
    const only = (keep: (name: string) => boolean) =>
      writeSafetensors(
        path,
        Object.fromEntries(
          Object.entries(tensors).map(([name, { shape, data }]) => [
            keep(name) ? name : `${name}_other`,
            { shape, data },
          ]),
        ),
      )
    await only((name) => !name.startsWith('visual.') || name === 'visual.class_embedding')
    const load = (more: object) => Clip.load(path, { model: TINY, strict: false, onReport: () => {}, ...more })
    await expect(load({})).rejects.toThrow(
      rejection('ERR_MISMATCH', /fits only 0\.\d+ % of the image tower's parameters, .*allowPartial: true/),
    )
    await using wanted = await load({ allowPartial: true })
    expect((await weights(wanted))['ln_final.weight']).toEqual(tensors['ln_final.weight']!.data)
    await only((name) => name.startsWith('visual.'))
    await expect(load({})).rejects.toThrow(rejection('ERR_MISMATCH', "none of the text tower's parameters"))
    // A file of one tower alone has no other to be missed.
    const image = Object.entries(tensors).filter(([name]) => name.startsWith('visual.'))
    await writeSafetensors(path, Object.fromEntries(image.map(([name, { shape, data }]) => [name, { shape, data }])))
    await using alone = await load({})
    expect((await weights(alone))['visual.proj']).toEqual(tensors['visual.proj']!.data)
  })

  it('of another model are a few in the message, and all in the keys', async () => {
    const failed = Clip.load(golden('openclip-gelu'), { model: TINY })
    await expect(failed).rejects.toThrow(
      rejection(
        'ERR_MISMATCH',
        // One sentence, however many.
        /24 unexpected \(transformer\.resblocks\.1\.\S+, \S+( \S+)? and 2\d more\); \d+ of another shape or type \(.*not \[.*\] and \d+ more\); pass the model that .* fits\.$/,
      ),
    )
    const { keys = [], message } = (await failed.catch((error: unknown) => error)) as ClipwrightError
    for (const name of [
      'transformer.resblocks.1.ln_1.weight',
      'visual.transformer.resblocks.1.mlp.c_fc.bias',
      'visual.proj',
    ])
      expect(keys).toContain(name)
    expect(keys.filter((name) => message.includes(`${name},`) || message.includes(`${name} `)).length).toBe(5)
    expect(new Set(keys).size).toBe(keys.length)
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
    ['ERR_UNSUPPORTED', 'a model of type "clip", which is not supported yet', 'hf'],
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
      'hf/config.json': '{"model_type":"clip"}',
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
    await expect(Clip.load('hf-hub:laion/model')).rejects.toThrow(rejection('ERR_UNSUPPORTED', 'hub'))
    await expect(Clip.load(7 as never)).rejects.toThrow(rejection('ERR_INVALID_ARGUMENT', 'Clip.load'))
    await expect(Clip.load(folder, { model: 'ViT-B-23' })).rejects.toThrow(
      rejection('ERR_UNKNOWN_MODEL', /did you mean .*ViT-B-32/),
    )
    await expect(Clip.load(folder, { modle: 'ViT-B-32' } as never)).rejects.toThrow(
      rejection('ERR_INVALID_ARGUMENT', 'did you mean "model"'),
    )
    await using clip = await tiny()
    await expect(clip.save(join(folder, 'x'), { layout: 'hf' })).rejects.toThrow(rejection('ERR_UNSUPPORTED', '"hf"'))
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
      rejection('ERR_NOT_FOUND', /is the name of a model, and a name has no weights: pass a folder.*Clip\.create/),
    )
  })

  it('says nothing of models where a path is simply missing', async () => {
    await expect(Clip.load(join(folder, 'nothing'))).rejects.toThrow(rejection('ERR_NOT_FOUND', /nor a file\.$/))
  })
})
