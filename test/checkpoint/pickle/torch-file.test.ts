import { copyFile, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { openForInspection } from '../../../lib/checkpoint/inspect.js'
import { openTorchFile } from '../../../lib/checkpoint/pickle/torch-file.js'
import { readSafetensors, type StoredTensor } from '../../../lib/checkpoint/safetensors.js'
import { archive, dict, floats, int, pickle, stateDict, storage, tensor, zip } from './assemble.js'

/** What PyTorch wrote, and the same tensors as safetensors: see make.py there. */
const golden = (name: string) => fileURLToPath(new URL(`../../goldens/pickle/${name}`, import.meta.url))

async function readAll(path: string): Promise<Record<string, StoredTensor>> {
  const file = await openTorchFile(path)
  try {
    const tensors: Record<string, StoredTensor> = {}
    for (const [name, { dtype, shape, byteLength }] of file.entries) {
      const tensor = await file.read(name)
      expect({ dtype, shape }).toEqual({ dtype: tensor.dtype, shape: tensor.shape })
      expect(byteLength).toBe(tensor.data.length * (/\d+/.exec(dtype) ? Number(/\d+/.exec(dtype)) / 8 : 1))
      tensors[name] = tensor
    }
    return tensors
  } finally {
    await file.close()
  }
}

async function expected(isScript: boolean): Promise<Record<string, StoredTensor>> {
  const { tensors } = await readSafetensors(golden('expected.safetensors'))
  const found = Object.entries(tensors).filter(([name]) => name.startsWith('script.') === isScript)
  return Object.fromEntries(found.map(([name, tensor]) => [name.replace(/^script\./, ''), tensor]))
}

describe('what torch.save wrote', () => {
  it.each([
    ...['state.pth', 'legacy.pth', 'protocol3.pt', 'protocol4.pt', 'protocol5.pt'],
    ...['checkpoint.pt', 'checkpoint-legacy.pt'],
  ])('has the same tensors: %s', async (name) => {
    const tensors = await readAll(golden(name))
    const wanted = await expected(false)
    expect(Object.keys(tensors).sort()).toEqual(Object.keys(wanted).sort())
    expect(Object.keys(tensors).length).toBe(28)
    expect(tensors).toEqual(wanted)
  })

  it('is a TorchScript archive with code that is compressed', async () => {
    const tensors = await readAll(golden('script.pt'))
    expect(tensors).toEqual(await expected(true))
    expect(tensors['block.mlp.2.weight']).toEqual(tensors['again.mlp.2.weight'])
    expect(tensors.input_resolution).toEqual({ dtype: 'I64', shape: [], data: BigInt64Array.of(224n) })
  })

  it('can be looked at without a model, whatever it is called', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'clipwright-torch-'))
    try {
      for (const name of ['a.pt', 'b.pth', 'c.bin']) {
        await copyFile(golden('checkpoint.pt'), join(folder, name))
        const { weights, description } = await openForInspection(join(folder, name))
        expect(description).toBeUndefined()
        expect(weights.entries.get('view.transposed')).toEqual({ dtype: 'F32', shape: [6, 4], byteLength: 96 })
        await weights.close()
      }
    } finally {
      await rm(folder, { recursive: true })
    }
  })

  it('may have many more tensors than any CLIP, with the moments of its optimizer', async () => {
    const one = { dtype: 'F32', shape: [2], data: Float32Array.of(1, 2) } as const
    const many = Array.from({ length: 10_000 }, (_, i) => [`visual.transformer.resblocks.${i}.ln_1.weight`, one])
    const folder = await mkdtemp(join(tmpdir(), 'clipwright-torch-'))
    try {
      const [root, storages] = stateDict(Object.fromEntries(many))
      await writeFile(join(folder, 'many.pt'), zip(archive(pickle(root), storages)))
      const tensors = await readAll(join(folder, 'many.pt'))
      expect(Object.keys(tensors).length).toBe(10_000)
      expect(tensors[many[9_999]![0] as string]!.data).toEqual(one.data)
    } finally {
      await rm(folder, { recursive: true })
    }
  })

  it('has no tensor of another name', async () => {
    const file = await openTorchFile(golden('state.pth'))
    await expect(file.read('visual.proj')).rejects.toThrow(
      expect.objectContaining({
        code: 'ERR_NOT_FOUND',
        message: expect.stringContaining('"visual.proj" among its 28'),
      }),
    )
    await file.close()
  })
})

describe('a state dict is found', () => {
  const one = tensor(storage('0', 1), [1])
  const namesIn = async (root: Buffer) => {
    const folder = await mkdtemp(join(tmpdir(), 'clipwright-torch-'))
    try {
      await writeFile(join(folder, 'm.pt'), zip(archive(pickle(root), { '0': floats(1) })))
      return Object.keys(await readAll(join(folder, 'm.pt')))
    } finally {
      await rm(folder, { recursive: true })
    }
  }

  it.each(['state_dict', 'model_state_dict', 'model', 'module'])(
    'under the key %s, whatever else there is',
    async (key) => {
      const root = dict({ ema: dict({ other: one }), [key]: dict({ w: one }), epoch: int(3) })
      expect(await namesIn(root)).toEqual(['w'])
    },
  )

  it('under the first of them that holds tensors', async () => {
    const root = { state_dict: dict({ note: int(1) }), module: dict({ c: one }), model: dict({ b: one }) }
    expect(await namesIn(dict(root))).toEqual(['b'])
    expect(await namesIn(dict({ ...root, model_state_dict: dict({ a: one }) }))).toEqual(['a'])
    expect(await namesIn(dict({ ...root, state_dict: dict({ z: one }) }))).toEqual(['z'])
  })

  it('under the only key that holds any', async () => {
    expect(await namesIn(dict({ epoch: int(3), net: dict({ w: one }) }))).toEqual(['w'])
  })

  it.each([
    [
      ['module.a', 'module.b'],
      ['a', 'b'],
    ],
    [['_orig_mod.a'], ['a']],
    [['module._orig_mod.module.a'], ['a']],
    [
      ['module.a', 'b'],
      ['module.a', 'b'],
    ],
    [
      ['module.a', '_orig_mod.b'],
      ['module.a', '_orig_mod.b'],
    ],
  ])('without what wrappers put before all names: %j', async (stored, expected) => {
    expect(await namesIn(dict(Object.fromEntries(stored.map((name) => [name, one]))))).toEqual(expected)
  })
})
