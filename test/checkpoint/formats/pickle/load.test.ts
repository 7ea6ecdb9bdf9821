import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Op } from '../../../../lib/checkpoint/formats/pickle/opcode-names.js'
import { Clip, modelConfig, readSafetensors, type StoredTensor } from '../../../../lib/index.js'
import { archive, bytes, dict, global, int, pickle, stateDict, storage, tensor, text, zip } from './assemble.js'

const GOLDEN = fileURLToPath(new URL('../../../goldens/openclip-gelu/', import.meta.url))

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'clipwright-pt-'))
})
afterEach(() => rm(folder, { recursive: true }))

async function golden(): Promise<{ config: object; tensors: Record<string, StoredTensor> }> {
  const { model_cfg } = JSON.parse(await readFile(join(GOLDEN, 'open_clip_config.json'), 'utf8'))
  return { config: model_cfg, tensors: (await readSafetensors(join(GOLDEN, 'open_clip_model.safetensors'))).tensors }
}

/** Attributes of modules of modules, as TorchScript stores them, from names with dots. */
function script(tensors: Readonly<Record<string, StoredTensor>>): [Buffer, Record<string, Buffer>] {
  const [, storages] = stateDict(tensors)
  type Tree = { [name: string]: Tree | Buffer }
  const root: Tree = {}
  for (const [i, [name, { shape, data }]] of Object.entries(tensors).entries()) {
    const path = name.split('.')
    let at = root
    for (const part of path.slice(0, -1)) {
      at[part] ??= {}
      at = at[part] as Tree
    }
    at[path.at(-1)!] = tensor(storage(`${i}`, data.length), shape)
  }
  const object = (tree: Tree): Buffer => {
    const attributes = Object.entries(tree).map(([key, value]) => [key, Buffer.isBuffer(value) ? value : object(value)])
    // OpenAI's archives have their causal masks as attributes, which no state dict has.
    const mask = tensor(storage('0', 1), [1])
    const state = dict({ ...Object.fromEntries(attributes), training: Buffer.of(Op.NEWTRUE), attn_mask: mask })
    return bytes(global('__torch__.model', 'Module'), Op.EMPTY_TUPLE, Op.NEWOBJ, state, Op.BUILD)
  }
  return [object(root), storages]
}

async function expectGolden(clip: Clip): Promise<void> {
  const { tensors } = await golden()
  const parameters = clip.parameters()
  expect(parameters.length).toBe(Object.keys(tensors).length)
  for (const { name, read } of parameters.map((p) => ({ name: p.name, read: () => p.read() }))) {
    expect((await read()).data, name).toEqual(tensors[name]!.data)
  }
}

describe('a file of weights from PyTorch', () => {
  it.each(['state dict', 'checkpoint', 'script'])('is loaded with the model told: %s', async (kind) => {
    const { config, tensors } = await golden()
    const path = join(folder, 'epoch_3.pt')
    const [root, storages] = kind === 'script' ? script(tensors) : stateDict(tensors, 'module.')
    const whole = kind === 'checkpoint' ? dict({ epoch: int(3), name: text('mine'), state_dict: root }) : root
    await writeFile(path, zip(archive(pickle(whole), storages)))
    await using clip = await Clip.load(path, { model: config as never, device: 'cpu' })
    await expectGolden(clip)
  })

  it('may lie in a folder, in one file or in several', async () => {
    const { tensors } = await golden()
    await copyFile(join(GOLDEN, 'open_clip_config.json'), join(folder, 'open_clip_config.json'))
    await writeFile(
      join(folder, 'open_clip_pytorch_model.bin'),
      zip(archive(...(stateDict(tensors).map((x, i) => (i === 0 ? pickle(x as Buffer) : x)) as [Buffer]))),
    )
    await using one = await Clip.load(folder, { device: 'cpu' })
    await expectGolden(one)
    await rm(join(folder, 'open_clip_pytorch_model.bin'))
    const entries = Object.entries(tensors)
    const weightMap: Record<string, string> = {}
    for (const [i, part] of [entries.slice(0, 20), entries.slice(20)].entries()) {
      const name = `pytorch_model-0000${i + 1}-of-00002.bin`
      const [root, storages] = stateDict(Object.fromEntries(part))
      await writeFile(join(folder, name), zip(archive(pickle(root), storages)))
      for (const [tensorName] of part) weightMap[tensorName] = name
    }
    await writeFile(join(folder, 'pytorch_model.bin.index.json'), JSON.stringify({ weight_map: weightMap }))
    await using several = await Clip.load(folder, { device: 'cpu' })
    await expectGolden(several)
  })

  it('says which built-in model it could be', async () => {
    const config = modelConfig('ViT-tiny-test')
    const path = join(folder, 'weights')
    await mkdir(path)
    await using clip = await Clip.create(config, { device: 'cpu' })
    await clip.save(path)
    const { tensors } = await readSafetensors(join(path, 'open_clip_model.safetensors'))
    const file = join(folder, 'w.pth')
    const [root, storages] = stateDict(tensors)
    await writeFile(file, zip(archive(pickle(root), storages)))
    await expect(Clip.load(file)).rejects.toThrow(
      expect.objectContaining({
        code: 'ERR_INVALID_ARGUMENT',
        message: `${file} does not say which model its weights belong to; pass it as { model }, on the command line as --architecture, of train as --model (its shapes are those of ViT-tiny-test).`,
      }),
    )
    await using again = await Clip.load(file, { model: 'ViT-tiny-test', device: 'cpu' })
    expect(again.config).toEqual(config)
    const [other, rest] = stateDict({ 'visual.proj': tensors['visual.proj']! })
    await writeFile(file, zip(archive(pickle(other), rest)))
    await expect(Clip.load(file)).rejects.toThrow(
      expect.objectContaining({ message: expect.stringContaining('(ViT-B-32 or') }),
    )
    await expect(Clip.load(file, { model: 'ViT-tiny-test' })).rejects.toThrow(
      expect.objectContaining({ code: 'ERR_MISMATCH', keys: expect.arrayContaining(['token_embedding.weight']) }),
    )
  })
})
