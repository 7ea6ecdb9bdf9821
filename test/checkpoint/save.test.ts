import { mkdir, mkdtemp, readdir, readFile, rename, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { writeEmbeddings } from '../../lib/clip/embedding-file.js'
import { saveModel } from '../../lib/clip/save.js'
import {
  Clip,
  convert,
  convertToInt8,
  interpolate,
  interpolationSweep,
  readSafetensors,
  writeSafetensors,
} from '../../lib/index.js'
import { TINY, tiny } from '../clip/tiny.js'
import { golden, rejection, weights } from './weights.js'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'clipwright-save-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

describe('a folder', () => {
  it('may be saved to several times at once: the saves take turns, and the last one counts', async () => {
    await using clip = await tiny()
    const path = join(folder, 'm')
    const scale = clip.parameters().find(({ name }) => name === 'logit_scale')!
    const saves: Promise<void>[] = []
    for (const value of [1, 2, 3]) {
      await scale.write({ shape: [], data: Float32Array.of(value) })
      saves.push(clip.save(path))
    }
    await Promise.all(saves)
    expect(await readdir(folder)).toEqual(['m'])
    await using again = await Clip.load(path)
    expect(await again.logitScale()).toBeCloseTo(Math.exp(3), 4)
  })

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

  it('replaces weights that clipwright wrote', async () => {
    await using a = await tiny({ seed: 1 })
    await using b = await tiny({ seed: 2 })
    const path = join(folder, 'm.safetensors')
    await a.save(path, { dtype: 'fp16' })
    await b.save(path)
    await using again = await Clip.load(path)
    expect(await weights(again)).toEqual(await weights(b))
  })

  const others: Record<string, (at: string, clip: Clip) => Promise<unknown>> = {
    'a text': (at) => writeFile(at, 'mine'),
    'an empty file': (at) => writeFile(at, ''),
    embeddings: (at) => writeEmbeddings(at, { shape: [1, 2], data: Float32Array.of(0, 1) }, ['a.png']),
    "somebody else's tensors": (at) =>
      writeSafetensors(at, { a: { shape: [1], data: Float32Array.of(1) } }, { metadata: { format: 'pt' } }),
    adapters: async (at, clip) => {
      await using again = await Clip.create(clip.config)
      await again.addLora({ rank: 2 })
      await again.save(`${at}-lora`, { layout: 'lora' })
      await rename(join(`${at}-lora`, 'adapter_model.safetensors'), at)
    },
    'a link to a text': async (at) => {
      await writeFile(`${at}.txt`, 'mine')
      await symlink(`${at}.txt`, at)
    },
  }
  it.each(Object.keys(others))(
    'never replaces what is no file of weights, by whatever writes one: %s',
    async (kind) => {
      await using clip = await tiny()
      const [path, model] = [join(folder, 'm.safetensors'), join(folder, 'model')]
      await clip.save(model)
      await others[kind]!(path, clip)
      const before = await readFile(path)
      const refusal = rejection(
        'ERR_INVALID_ARGUMENT',
        /m\.safetensors is there already and is no file of a model's weights/,
      )
      for (const layout of ['open_clip', 'hf', 'openai'] as const)
        await expect(clip.save(path, { layout })).rejects.toThrow(refusal)
      await expect(convert(model, path)).rejects.toThrow(refusal)
      await expect(interpolate(model, model, { alpha: 0.5, out: path })).rejects.toThrow(refusal)
      // Before anything is read or measured: nobody waits for what cannot be kept.
      const missing = join(folder, 'no model')
      for (const early of [
        () => convert(missing, path),
        () => convertToInt8(missing, path),
        () => interpolate(missing, missing, { alpha: 0.5, out: path }),
        () => interpolationSweep(missing, missing, { val: [missing], out: path }),
      ])
        await expect(early()).rejects.toThrow(refusal)
      expect(before.equals(await readFile(path))).toBe(true)
    },
  )

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
})
