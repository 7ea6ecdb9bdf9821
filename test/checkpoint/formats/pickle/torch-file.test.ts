import { copyFile, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it, vi } from 'vitest'
import { Op } from '../../../../lib/checkpoint/formats/pickle/opcode-names.js'
import { openTorchFile } from '../../../../lib/checkpoint/formats/pickle/torch-file.js'
import { readSafetensors, type StoredTensor } from '../../../../lib/checkpoint/formats/safetensors/safetensors.js'
import { openTensors } from '../../../../lib/checkpoint/formats/tensor-files.js'
import { WeightFile } from '../../../../lib/checkpoint/formats/weight-file.js'
import { openForInspection } from '../../../../lib/checkpoint/inspect.js'
import * as a from './assemble.js'

const { archive, bytes, call, dict, floats, global, int, pickle, rebuilt, stateDict, storage, tensor, text, zip } = a

/** What PyTorch wrote, and the same tensors as safetensors: see make.py there. */
const golden = (name: string) => fileURLToPath(new URL(`../../../goldens/pickle/${name}`, import.meta.url))

async function readAll(path: string, key?: string): Promise<Record<string, StoredTensor>> {
  const file = await openTensors(path, key)
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

async function withFile<T>(content: Buffer, use: (path: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'clipwright-torch-'))
  try {
    await writeFile(join(folder, 'm.pt'), content)
    return await use(join(folder, 'm.pt'))
  } finally {
    await rm(folder, { recursive: true })
  }
}

describe('a tensor is read', () => {
  const hooks = [Op.NEWFALSE, Op.EMPTY_DICT] as const
  const untyped = (name: string) => storage('0', 8, name, undefined, 'torch.storage')
  const half = new Uint8Array(Float64Array.of(5, 6, 7).buffer)

  it.each<[string, Buffer, Buffer, number[]]>([
    ['from before version 0.4', rebuilt('_rebuild_tensor', storage('0', 2)), floats(1, 2), [1, 2]],
    ['with no bits set', rebuilt('_rebuild_tensor_v2', storage('0', 2), ...hooks, Op.EMPTY_DICT), floats(1, 2), [1, 2]],
    ...['UntypedStorage', '_UntypedStorage', 'TypedStorage', '_TypedStorage'].map(
      (name): [string, Buffer, Buffer, number[]] => [
        `of a dtype, from torch.storage.${name}`,
        rebuilt('_rebuild_tensor_v3', untyped(name), ...hooks, global('torch', 'float32')),
        floats(1, 2),
        [1, 2],
      ],
    ),
    ['that was on a GPU', tensor(storage('0', 2, 'FloatStorage', undefined, 'torch.cuda'), [2]), floats(1, 2), [1, 2]],
    [
      'from an offset in elements of its type',
      tensor(storage('0', 3, 'DoubleStorage'), [2], { offset: 1 }),
      Buffer.from(half),
      [6, 7],
    ],
    [
      'of no elements, wherever it lies',
      tensor(storage('0', 2), [2, 0], { offset: 2, strides: [1, 1] }),
      floats(1, 2),
      [],
    ],
    [
      'as a parameter with a state',
      call(
        global('torch._utils', '_rebuild_parameter_with_state'),
        tensor(storage('0', 2), [2]),
        ...hooks,
        Op.EMPTY_DICT,
      ),
      floats(1, 2),
      [1, 2],
    ],
    [
      'of a list for a shape, which changes afterwards',
      bytes(
        ...[Op.EMPTY_LIST, int(2), Op.APPEND, Op.BINPUT, 9, Op.POP],
        call(
          global('torch._utils', '_rebuild_tensor'),
          storage('0', 2),
          int(0),
          bytes(Op.BINGET, 9),
          bytes(Op.EMPTY_LIST, int(1), Op.APPEND),
        ),
        ...[Op.BINGET, 9, int(7), Op.APPEND, Op.POP],
      ),
      floats(1, 2),
      [1, 2],
    ],
  ])('%s', async (_, w, data, expected) => {
    const content = zip(archive(pickle(dict({ w })), { '0': data }))
    const tensors = await withFile(content, readAll)
    expect(Array.from(tensors.w!.data, Number)).toEqual(expected)
  })

  it('beside a data.pkl that is none of the archive’s own', async () => {
    const parts = archive(pickle(dict({ w: tensor(storage('0', 2), [2]) })), { '0': floats(1, 2) })
    const content = zip([...parts, { name: 'm/code/data.pkl', data: Buffer.from('x') }])
    expect(Array.from((await withFile(content, readAll)).w!.data, Number)).toEqual([1, 2])
  })
})

it('a file is closed when it is refused, and when its reader closes it', async () => {
  const close = vi.spyOn(WeightFile.prototype, 'close')
  await withFile(Buffer.from('<html>'), (path) => expect(openTorchFile(path)).rejects.toThrow())
  expect(close).toHaveBeenCalledTimes(1)
  await (await openTorchFile(golden('state.pth'))).close()
  expect(close).toHaveBeenCalledTimes(2)
  close.mockRestore()
})

describe('a state dict is found', () => {
  const one = tensor(storage('0', 1), [1])
  const namesIn = async (root: Buffer) =>
    Object.keys(await withFile(zip(archive(pickle(root), { '0': floats(1) })), readAll))

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

  it('by names alone', async () => {
    expect(await namesIn(bytes(Op.EMPTY_DICT, Op.MARK, int(3), one, text('w'), one, Op.SETITEMS))).toEqual(['w'])
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
      ['model.a', 'model.b'],
      ['a', 'b'],
    ],
    [
      ['clip.a', 'clip.module.b'],
      ['a', 'module.b'],
    ],
    [['n_averaged', 'module.a'], ['a']],
    [
      ['n_averaged', 'a'],
      ['a', 'n_averaged'],
    ],
    [['module.model.a'], ['a']],
    [
      ['_fsdp_wrapped_module.a', 'x._fsdp_wrapped_module.b'],
      ['a', 'x.b'],
    ],
    [
      ['x.0._checkpoint_wrapped_module._orig_mod.a', 'b'],
      ['x.0.a', 'b'],
    ],
    // Two names that would become one.
    [
      ['a', '_orig_mod.a'],
      ['a', '_orig_mod.a'],
    ],
    [
      ['module.a', '_orig_mod.b'],
      ['module.a', 'b'],
    ],
  ])('without what wrappers put before all names: %j', async (stored, expected) => {
    expect(await namesIn(dict(Object.fromEntries(stored.map((name) => [name, one]))))).toEqual(expected)
  })

  const nested = {
    epoch: int(3),
    student: dict({ w: one }),
    teacher: dict({ w: one, v: one }),
    params: dict({ state_dict: dict({ u: one }) }),
    'with.dot': dict({ t: one }),
  }
  it.each<[string, string[]]>([
    ['student', ['w']],
    ['teacher', ['w', 'v']],
    ['params.state_dict', ['u']],
    ['params', ['u']],
    ['with.dot', ['t']],
  ])('under the key that is asked for: %s', async (key, expected) => {
    const content = zip(archive(pickle(dict(nested)), { '0': floats(1) }))
    expect(Object.keys(await withFile(content, (path) => readAll(path, key)))).toEqual(expected)
  })

  it('in a wrapper’s wrapper', async () => {
    expect(await namesIn(dict({ model: dict({ state_dict: dict({ w: one }) }), epoch: int(3) }))).toEqual(['w'])
    expect(await namesIn(dict({ net: dict({ inner: dict({ w: one }) }) }))).toEqual(['w'])
  })

  it.each<[string, Record<string, a.Part>, string]>([
    ['student and teacher', { student: dict({ w: one }), teacher: dict({ w: one }) }, '("student", "teacher")'],
    [
      'weights and their average',
      { params: dict({ w: one }), params_ema: dict({ w: one }) },
      '("params", "params_ema")',
    ],
    [
      'two in one wrapper',
      { model: dict({ model: dict({ w: one }), module: dict({ w: one }) }) },
      '("model.model", "model.module")',
    ],
    [
      'an average alone',
      { model_ema: dict({ w: one }), epoch: int(3) },
      'only under "model_ema", an average that is not',
    ],
  ])('never by chance among several candidates: %s', async (_, entries, message) => {
    const failed = namesIn(dict(entries))
    await expect(failed).rejects.toThrow(
      expect.objectContaining({ code: 'ERR_MISMATCH', message: expect.stringContaining(message) }),
    )
    await expect(failed).rejects.toThrow(/say which as \{ key: '.+' \}, on the command line as --key /)
  })

  it('an average is not taken for the weights beside it, nor an optimizer’s moments', async () => {
    const root = { model_ema: dict({ e: one }), model: dict({ w: one }), optimizer: dict({ m: one }) }
    expect(await namesIn(dict(root))).toEqual(['w'])
    expect(await namesIn(dict({ net: dict({ w: one }), optimizer_state: dict({ m: one }) }))).toEqual(['w'])
    const content = zip(archive(pickle(dict(root)), { '0': floats(1) }))
    expect(Object.keys(await withFile(content, (path) => readAll(path, 'model_ema')))).toEqual(['e'])
  })

  it('or a key that leads to none is named, with those that would', async () => {
    const content = zip(archive(pickle(dict(nested)), { '0': floats(1) }))
    for (const key of ['nobody', 'epoch', 'student.w', 'params.nobody']) {
      await expect(withFile(content, (path) => readAll(path, key))).rejects.toThrow(
        expect.objectContaining({
          code: 'ERR_INVALID_ARGUMENT',
          message: expect.stringContaining(
            `under the key "${key}"; there are weights under "student", "teacher", "params.state_dict"`,
          ),
        }),
      )
    }
  })
})
