import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Op } from '../../../../lib/checkpoint/formats/pickle/opcode-names.js'
import { openTorchFile } from '../../../../lib/checkpoint/formats/pickle/torch-file.js'
import { openForInspection } from '../../../../lib/checkpoint/inspect.js'
import {
  archive,
  bytes,
  call,
  dict,
  floats,
  global,
  int,
  legacy,
  type Part,
  pickle,
  storage,
  tensor,
  text,
  tuple,
  zip,
} from './assemble.js'

/** What CPython and NumPy wrote: see make_harmless.py there. */
const golden = fileURLToPath(new URL('../../../goldens/pickle/harmless.json', import.meta.url))
const harmless: Record<string, string> = JSON.parse(await readFile(golden, 'utf8'))

let path: string
let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'clipwright-placeholders-'))
  path = join(folder, 'm.pt')
})
afterEach(() => rm(folder, { recursive: true }))

const weights = { w: tensor(storage('0', 2), [2]) }
const write = (root: Part) => writeFile(path, zip(archive(pickle(root), { '0': floats(1, 2) })))
async function read(name = 'w') {
  const file = await openTorchFile(path)
  try {
    return { ...(await file.read(name)), names: [...file.entries.keys()] }
  } finally {
    await file.close()
  }
}
const unsafe = (name: string) =>
  expect.objectContaining({ code: 'ERR_UNSAFE', message: expect.stringContaining(`asks for the global "${name}"`) })

describe('a state dict is read beside harmless things', () => {
  it.each(Object.keys(harmless))('%s', async (name) => {
    const thing = Buffer.from(harmless[name]!, 'base64')
    await write(dict({ thing, state_dict: dict(weights), again: bytes(thing) }))
    expect((await read()).data).toEqual(Float32Array.of(1, 2))
    await writeFile(
      path,
      legacy(pickle(dict({ thing, state_dict: dict(weights) })), { '0': { elements: 2, data: floats(1, 2) } }),
    )
    expect((await read()).data).toEqual(Float32Array.of(1, 2))
  })

  it.each(['argparse.Namespace', 'numpy scalar', 'numpy array', 'pathlib', 'datetime', 'complex'])(
    'and between the weights themselves, of those that are plain data: %s',
    async (name) => {
      for (const protocol of [2, 4]) {
        await write(dict({ ...weights, thing: Buffer.from(harmless[`${name}, protocol ${protocol}`]!, 'base64') }))
        expect((await read()).names).toEqual(['w'])
      }
    },
  )

  it('in containers of the standard library', async () => {
    const filled = (made: Part) => bytes(made, Op.MARK, text('w'), weights.w, Op.SETITEMS)
    await write(dict({ state_dict: filled(call(global('collections', 'defaultdict'), global('builtins', 'list'))) }))
    expect((await read()).data).toEqual(Float32Array.of(1, 2))
    await write(dict({ state_dict: call(global('collections', 'Counter'), dict(weights)) }))
    expect((await read()).data).toEqual(Float32Array.of(1, 2))
  })
})

describe('what only code could give', () => {
  const system = call(global('os', 'system'), text('id'))

  it.each<[string, Part]>([
    ['called', system],
    ['named', global('os', 'system')],
    ['made an object of', bytes(global('os', 'system'), Op.EMPTY_TUPLE, Op.NEWOBJ, dict({ a: int(1) }), Op.BUILD)],
    ['made with named arguments', bytes(global('os', 'system'), Op.EMPTY_TUPLE, dict({ a: int(1) }), Op.NEWOBJ_EX)],
    ['called again', call(system, text('x'))],
    ['filled as a list', bytes(system, Op.MARK, int(1), Op.APPENDS, int(2), Op.APPEND)],
    ['filled as a dict', bytes(system, Op.MARK, text('a'), int(1), Op.SETITEMS, text('b'), int(2), Op.SETITEM)],
    ['filled as a set', bytes(system, Op.MARK, int(1), Op.ADDITEMS)],
    ['an argument of what is known', call(global('torch', 'device'), system)],
    ['a tensor’s storage', tensor(system, [2])],
  ])('is left alone beside the weights, and listed: %s', async (_, thing) => {
    await write(dict({ args: thing, state_dict: dict(weights), list: bytes(Op.EMPTY_LIST, thing, Op.APPEND) }))
    expect((await read()).data).toEqual(Float32Array.of(1, 2))
    const { weights: inspected } = await openForInspection(path)
    expect(inspected.placeholders).toEqual(['os.system'])
    await inspected.close()
  })

  it.each<[string, Part]>([
    ['called', system],
    ['named', global('os', 'system')],
    ['in a list', bytes(Op.EMPTY_LIST, system, Op.APPEND)],
    ['in a tuple of a dict', dict({ a: tuple(system) })],
    ['within plain data', call(global('argparse', 'Namespace'), system)],
    ['as the state of plain data', bytes(call(global('argparse', 'Namespace')), dict({ a: system }), Op.BUILD)],
    ['where a tensor should be', tensor(system, [2])],
  ])('is refused among the weights: %s', async (_, thing) => {
    await write(dict({ epoch: int(3), state_dict: dict({ ...weights, thing }) }))
    await expect(read()).rejects.toThrow(unsafe('os.system'))
    await write(dict({ ...weights, thing }))
    await expect(read()).rejects.toThrow(unsafe('os.system'))
  })

  it('is refused as a name among the weights, and in place of all of them', async () => {
    await write(dict({ state_dict: bytes(dict(weights), system, int(1), Op.SETITEM) }))
    await expect(read()).rejects.toThrow(unsafe('os.system'))
    await write(dict({ state_dict: call(global('mine', 'StateDict'), dict(weights)), epoch: int(3) }))
    await expect(read()).rejects.toThrow(unsafe('mine.StateDict'))
    // A whole module, as torch.save(model) writes it.
    await write(bytes(global('open_clip.model', 'CLIP'), Op.EMPTY_TUPLE, Op.NEWOBJ, dict(weights), Op.BUILD))
    await expect(read()).rejects.toThrow(unsafe('open_clip.model.CLIP'))
  })
})

describe('what torch loads with weights_only is read', () => {
  const hooks = [Op.NEWFALSE, Op.EMPTY_DICT] as const
  const rebuild = global('torch._utils', '_rebuild_tensor_v2')

  it.each<[string, Part]>([
    ['a parameter by its class', call(global('torch.nn.parameter', 'Parameter'), weights.w, Op.NEWTRUE)],
    [
      'a tensor of a class of somebody’s',
      call(
        global('torch._tensor', '_rebuild_from_type_v2'),
        ...[rebuild, global('mine', 'Tensor')],
        tuple(storage('0', 2), int(0), tuple(int(2)), tuple(int(1)), ...hooks),
        dict({}),
      ),
    ],
    ['a tensor with attributes', bytes(weights.w, dict({ tag: text('x') }), Op.BUILD)],
  ])('%s', async (_, w) => {
    await write(dict({ state_dict: dict({ w }) }))
    expect((await read()).data).toEqual(Float32Array.of(1, 2))
  })

  const sizes = tuple(int(2), int(3))
  it.each<[string, Part, string, number[]]>([
    ['complex numbers', tensor(storage('0', 1, 'ComplexFloatStorage'), [1]), 'ComplexFloatStorage', [1]],
    [
      'an eight-bit float',
      call(
        global('torch._utils', '_rebuild_tensor_v3'),
        ...[storage('0', 8, 'UntypedStorage', undefined, 'torch.storage'), int(0), tuple(int(8)), tuple(int(1))],
        ...[...hooks, global('torch', 'float8_e8m0fnu')],
      ),
      'float8_e8m0fnu',
      [8],
    ],
    [
      'a sparse tensor',
      call(
        global('torch._utils', '_rebuild_sparse_tensor'),
        call(global('torch.serialization', '_get_layout'), text('torch.sparse_coo')),
        tuple(weights.w, weights.w, call(global('torch', 'Size'), sizes), Op.NEWTRUE),
      ),
      'sparse',
      [2, 3],
    ],
    [
      'a quantised tensor',
      call(
        global('torch._utils', '_rebuild_qtensor'),
        ...[storage('0', 8, 'QInt8Storage'), int(0), sizes, sizes],
        ...[tuple(global('torch', 'per_tensor_affine'), int(1), int(0)), ...hooks],
      ),
      'quantised',
      [2, 3],
    ],
    [
      'a tensor without values',
      call(
        global('torch._utils', '_rebuild_meta_tensor_no_storage'),
        global('torch', 'float32'),
        sizes,
        sizes,
        Op.NEWFALSE,
      ),
      'meta',
      [2, 3],
    ],
  ])('%s is listed, and refused alone', async (_, odd, dtype, shape) => {
    await write(dict({ state_dict: dict({ ...weights, odd }) }))
    expect((await read()).data).toEqual(Float32Array.of(1, 2))
    const file = await openTorchFile(path)
    expect(file.entries.get('odd')).toMatchObject({ dtype, shape })
    await expect(file.read('odd')).rejects.toThrow(
      expect.objectContaining({ code: 'ERR_UNSUPPORTED', message: expect.stringContaining('tensor "odd"') }),
    )
    await file.close()
  })
})
