import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { deflateRawSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Op } from '../../../../lib/checkpoint/formats/pickle/opcode-names.js'
import { openTorchFile } from '../../../../lib/checkpoint/formats/pickle/torch-file.js'
import * as a from './assemble.js'

const { archive, bytes, call, dict, floats, global, int, legacy, pickle, rebuilt, storage, tensor } = a
const { text, tuple, u32, u64, zip } = a

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'clipwright-hostile-'))
})
afterAll(() => rm(folder, { recursive: true }))

async function open(content: Buffer) {
  const path = join(folder, 'm.pt')
  await writeFile(path, content)
  return openTorchFile(path)
}

async function refused(content: Buffer, code: string, message: string | RegExp): Promise<void> {
  const began = process.cpuUsage()
  await expect(open(content)).rejects.toThrow(
    expect.objectContaining({
      code,
      message: typeof message === 'string' ? expect.stringContaining(message) : expect.stringMatching(message),
    }),
  )
  const { user, system } = process.cpuUsage(began)
  expect((user + system) / 1e6, 'seconds of the processor').toBeLessThan(2)
}

async function valuesOf(content: Buffer, name = 'w'): Promise<number[]> {
  const file = await open(content)
  try {
    return Array.from((await file.read(name)).data, Number)
  } finally {
    await file.close()
  }
}

const two = { w: tensor(storage('0', 2), [2]) }
const saved = (root: Buffer = dict(two), data: Buffer = floats(1, 2)) => archive(pickle(root), { '0': data })

describe('a pickle that wants code', () => {
  it.each([
    ['os', 'system'],
    ['posix', 'system'],
    ['builtins', 'eval'],
    ['__builtin__', 'getattr'],
    ['torch', 'load'],
    ['torch.storage', '_load_from_bytes'],
    ['torch._utils', '_rebuild_wrapper_subclass'],
    ['numpy.core.multiarray', 'fromstring'],
    ['open_clip.model', 'CLIP'],
    ['__torch__x', 'Model'],
    ['collections', '__class__'],
    ['torch', 'constructor'],
    ['', 'toString'],
  ])('is refused with the name of it: %s.%s', async (module, name) => {
    const wanted = new RegExp(`m\\.pt asks for the global "${module}\\.${name}".*nothing of it was loaded`)
    await refused(zip(saved(call(global(module, name), text('id')))), 'ERR_UNSAFE', wanted)
    await refused(legacy(pickle(global(module, name))), 'ERR_UNSAFE', wanted)
    // Never called, only named, among the weights.
    await refused(zip(saved(dict({ ...two, epoch: global(module, name) }))), 'ERR_UNSAFE', wanted)
    await refused(zip(saved(bytes(text(module), text(name), Op.STACK_GLOBAL))), 'ERR_UNSAFE', wanted)
    await refused(zip(saved(bytes(Op.MARK, Op.INST, `${module}\n${name}\n`))), 'ERR_UNSAFE', wanted)
    await refused(pickle(global(module, name)), 'ERR_UNSAFE', wanted)
  })

  it('is refused where an extension or named arguments are asked for', async () => {
    await refused(zip(saved(bytes(Op.EXT1, 7))), 'ERR_UNSAFE', 'extension 7')
    const named = bytes(global('__torch__', 'M'), Op.EMPTY_TUPLE, dict({ a: text('b') }), Op.NEWOBJ_EX)
    await refused(zip(saved(named)), 'ERR_UNSAFE', 'named arguments')
  })

  it('runs nothing of a class that TorchScript made', async () => {
    const object = (state: Buffer) =>
      bytes(global('__torch__.os', 'system'), Op.EMPTY_TUPLE, Op.NEWOBJ, state, Op.BUILD)
    const root = object(dict({ visual: object(dict({ proj: two.w, training: Buffer.of(Op.NEWTRUE) })) }))
    expect(await valuesOf(zip(saved(root)), 'visual.proj')).toEqual([1, 2])
    await refused(zip(saved(call(global('__torch__', 'M'), text('id')))), 'ERR_FORMAT', 'arguments that do not fit')
  })
})

describe('a pickle that is broken', () => {
  it.each<[string, Buffer]>([
    ['byte 2 of its pickle is 0xff, no opcode', bytes(0xff)],
    ['looks for a mark', bytes(Op.POP_MARK)],
    ['looks for a mark', bytes(Op.TUPLE)],
    ['takes more from the stack', bytes(Op.TUPLE1)],
    ['takes more from the stack', bytes(Op.DUP)],
    ['entry 9 of the memo', bytes(Op.BINGET, 9)],
    ['the index "x"', bytes(Op.GET, 'x\n')],
    ['calls what is no function', bytes(Op.NONE, Op.EMPTY_TUPLE, Op.REDUCE)],
    ['calls what is no function', call(global('torch', 'float16'), text('x'))],
    ['something else than a tuple', bytes(global('torch', 'Size'), Op.NONE, Op.REDUCE)],
    ['calls torch.device with arguments', call(global('torch', 'device'), int(3))],
    ['calls _codecs.encode with arguments', call(global('_codecs', 'encode'), text('x'), text('rot13'))],
    ['appends to what is no list', bytes(Op.NONE, Op.NONE, Op.APPEND)],
    ['sets items of what is no dict', bytes(Op.NONE, Op.MARK, Op.SETITEMS)],
    ['a key without a value', bytes(Op.EMPTY_DICT, Op.MARK, Op.NONE, Op.SETITEMS)],
    ['adds items to what is no set', bytes(Op.NONE, Op.MARK, Op.ADDITEMS)],
    ['a state to what has none', bytes(Op.EMPTY_LIST, Op.NONE, Op.BUILD)],
    ['not UTF-8', bytes(Op.BINUNICODE, u32(1), 0xff)],
    ['whole number of 4294967295 bytes', bytes(Op.LONG4, u32(0xffffffff))],
    ['the whole number "1e5"', bytes(Op.INT, '1e5\n')],
    ['string without quotes', bytes(Op.STRING, 'x\n')],
    ['ends in the middle', bytes(Op.BINUNICODE, u32(0xffffffff), 'x')],
    ['ends in the middle', bytes(Op.BINBYTES8, u64(2n ** 63n))],
    ['unknown protocol 6', bytes(Op.PROTO, 6)],
    ['outside of the file', bytes(Op.NEXT_BUFFER)],
    ['outside of it that is no storage', bytes(text('x'), Op.BINPERSID)],
    ['outside of it that is no storage', bytes(Op.PERSID, 'x\n')],
    [
      'outside of it that is no storage',
      bytes(tuple(text('storage'), text('x'), text('0'), text('cpu'), int(2)), Op.BINPERSID),
    ],
    ['_rebuild_tensor_v2 with arguments', tensor(storage('0', 2), [2], { offset: -1 })],
    ['_rebuild_tensor_v2 with arguments', tensor(storage('0', 2), [-2])],
    ['_rebuild_tensor_v2 with arguments', tensor(storage('0', 2), [2], { strides: [-1] })],
    ['_rebuild_tensor_v2 with arguments', tensor(storage('0', 2), [2], { strides: [] })],
    ['_rebuild_tensor_v2 with arguments', tensor(text('0'), [2])],
    ['_rebuild_tensor_v2 with arguments', tensor(storage('0', 2), Array(65).fill(1))],
    [
      '_rebuild_tensor_v2 with arguments',
      rebuilt('_rebuild_tensor_v2', storage('0', 2), Op.NEWFALSE, Op.EMPTY_DICT, dict({ conj: Buffer.of(Op.NEWTRUE) })),
    ],
    ['_rebuild_tensor_v3 with arguments', rebuilt('_rebuild_tensor_v3', storage('0', 2), Op.NEWFALSE, Op.NONE, int(4))],
    [
      '_rebuild_tensor_v3 with arguments',
      rebuilt(
        ...(['_rebuild_tensor_v3', storage('0', 2), Op.NEWFALSE, Op.EMPTY_DICT] as const),
        ...[global('torch', 'float32'), dict({ neg: Buffer.of(Op.NEWTRUE) })],
      ),
    ],
    ['outside of it that is no storage', storage('0', -1)],
    ['outside of it that is no storage', storage('0', 4, 'FloatStorage', tuple(text('v'), int(2), int(3)))],
    ['outside of it that is no storage', storage('0', 4, 'FloatStorage', tuple(text('v'), int(1), int(-1)))],
    ['holds no state dict', bytes(Op.NONE)],
    ['holds no state dict', two.w],
    [
      'no tensors lie under any of its keys ("epoch", a object)',
      bytes(dict({ epoch: int(3) }), Op.EMPTY_TUPLE, Op.NONE, Op.SETITEM),
    ],
  ])('says so: %s', async (message, root) => {
    await refused(zip(saved(root)), 'ERR_FORMAT', message)
  })

  it('has several state dicts', async () => {
    await refused(zip(saved(dict({ ema: dict(two), net: dict(two) }))), 'ERR_MISMATCH', 'several keys ("ema", "net")')
  })

  it('ends without STOP', async () => {
    await refused(zip(archive(bytes(Op.PROTO, 2, Op.NONE))), 'ERR_FORMAT', 'ends in the middle')
  })
})

describe('a tensor that does not lie in its storage', () => {
  it.each<[string, Buffer]>([
    ['of shape [3] needs elements 0 to 3 of a storage that has 2', tensor(storage('0', 2), [3])],
    ['needs elements 1 to 3', tensor(storage('0', 2), [2], { offset: 1 })],
    ['needs elements 0 to 4', tensor(storage('0', 2), [2, 2], { strides: [2, 1] })],
    ['needs elements 0 to 9007199254740991', tensor(storage('0', 2), [2], { strides: [Number.MAX_SAFE_INTEGER - 1] })],
    ['has a storage of 12 bytes, of which the file holds 8', tensor(storage('0', 3), [3])],
    ['repeats its storage', tensor(storage('0', 2), [1e9], { strides: [0] })],
    ['has the shape [1073741824, 1073741824]', tensor(storage('0', 2), [2 ** 30, 2 ** 30], { strides: [0, 0] })],
    [
      'has the shape [1125899906842624, ',
      tensor(storage('0', 2), [...Array(40).fill(2 ** 50), 0], { strides: Array(41).fill(0) }),
    ],
    ['lacks the entry "m/data/7"', tensor(storage('7', 2), [2])],
  ])('is refused: %s', async (message, w) => {
    await refused(zip(saved(dict({ w }))), 'ERR_FORMAT', message)
  })

  it('of complex numbers is named', async () => {
    const w = tensor(storage('0', 1, 'ComplexFloatStorage'), [1])
    await expect(valuesOf(zip(saved(dict({ w }))))).rejects.toThrow(
      expect.objectContaining({
        code: 'ERR_UNSUPPORTED',
        message: expect.stringContaining('m.pt: tensor "w" has elements of type ComplexFloatStorage'),
      }),
    )
  })

  it('does not matter where nobody asks for it', async () => {
    const other = tensor(storage('9', 1, 'ComplexFloatStorage'), [99])
    expect(await valuesOf(zip(saved(dict({ state_dict: dict(two), other }))))).toEqual([1, 2])
  })
})

describe('an archive', () => {
  const [first, ...rest] = saved()
  const entry = saved()[1]!
  const changed = (says: a.ZipPart['says']) => zip([first!, { ...entry, says: says! }, rest[1]!])

  it('is read with sizes in 32 and in 64 bits, and with a comment', async () => {
    expect(await valuesOf(zip(saved()))).toEqual([1, 2])
    for (const comment of [`PK\x05\x06${'of mine '.repeat(4)}`, 'x'.repeat(0xffff)])
      expect(await valuesOf(zip(saved(), { comment }))).toEqual([1, 2])
    expect(await valuesOf(changed({ zip64: true }))).toEqual([1, 2])
    const code = { name: 'm/code', data: Buffer.alloc(9), says: { method: 8, fullSize: 1e4, zip64: true } }
    expect(await valuesOf(zip([code, ...saved()]))).toEqual([1, 2])
  })

  it.each<[string, () => Buffer]>([
    ['entry "m/data/0" is encrypted', () => changed({ flags: 1 })],
    ['entry "m/data/0" overlaps what follows it', () => changed({ size: 400 })],
    ['entry "m/data/0" overlaps what follows it', () => changed({ size: 2 ** 40, zip64: true })],
    ['overlaps what follows it', () => changed({ headerAt: 0 })],
    ['overlaps what follows it', () => changed({ size: entry.data.length + 10 })],
    ['reaches into what follows it', () => changed({ localExtra: 100 })],
    ['entry "m/data/0" has two sizes', () => changed({ fullSize: 9 })],
    ['is described differently', () => changed({ localName: 'm/data/1' })],
    ['is described differently', () => changed({ localName: 'm/data/0x' })],
    ['is described differently', () => changed({ localMethod: 8 })],
    ['is not at byte', () => changed({ headerAt: 30 + 'm/data.pkl'.length + 7 + first!.data.length + 2, size: 0 })],
    ['it has two entries "m/data/0"', () => zip([first!, entry, entry])],
    ['with no data.pkl', () => zip([entry])],
    ['with 2 data.pkl', () => zip([first!, { ...first!, name: 'n/data.pkl' }])],
    ['its directory is not a list of entries', () => zip(saved(), { count: 4 })],
    ['its 2 entries take', () => zip(saved(), { count: 2 })],
    ['its directory is missing (a truncated file?)', () => zip(saved()).subarray(0, 150)],
    ['is compressed', () => zip([{ ...first!, says: { method: 8, size: 100 } }, ...rest])],
    ['entry "m/byteorder" has 17 bytes', () => zip([...saved(), { name: 'm/byteorder', data: Buffer.alloc(17, 'l') }])],
    ['byte order is "middle"', () => zip([...saved(), { name: 'm/byteorder', data: Buffer.from('middle') }])],
    ['compressed by method 12', () => zip([{ ...first!, says: { method: 12 } }, ...rest])],
    ['claims 4294967296 entries', () => zip([{ ...entry, says: { zip64: true } }], { count: 2 ** 32 })],
  ])('that lies is refused: %s', async (message, content) => {
    await refused(content(), 'ERR_FORMAT', message)
  })

  it.each<[string, boolean, number, Buffer]>([
    // In the record of 22 bytes at the end, the locator of 20 before it and the record of 56 before that.
    ['one of several volumes', false, -22 + 4, Buffer.of(1)],
    ['its directory does not lie where its end says', false, -22 + 16, u32(1e6)],
    ['the end of its directory does not lie where its locator says', true, -22 - 20 + 8, u64(1e6)],
    ['the end of its directory is not what it claims', true, -22 - 20 - 56, Buffer.of(0)],
    ['its directory does not lie where its end says', true, -22 - 20 - 56 + 48, u64(1e6)],
  ])('whose end lies is refused: %s (in 64 bits: %s)', async (message, zip64, at, lie) => {
    const whole = changed({ zip64 })
    lie.copy(whole, whole.length + at)
    await refused(whole, 'ERR_FORMAT', message)
  })

  const deflated = (data: Buffer, fullSize = data.length): Pick<a.ZipPart, 'data' | 'says'> => ({
    data: deflateRawSync(data),
    says: { method: 8, fullSize },
  })

  it('that was packed again, deflated, is read', async () => {
    const packed = saved().map(({ name, data }) => ({ name, ...deflated(data) }))
    expect(await valuesOf(zip(packed))).toEqual([1, 2])
    const shared = dict({ ...two, v: tensor(storage('0', 2), [1], { offset: 1 }) })
    const both = saved(shared).map(({ name, data }) => ({ name, ...deflated(data) }))
    expect(await valuesOf(zip(both), 'v')).toEqual([2])
  })

  it('is not inflated beyond what it says, nor to far more than it has', async () => {
    const entries = saved()
    const bomb = (data: Buffer, fullSize?: number) =>
      zip([entries[0]!, { name: 'm/data/0', ...deflated(data, fullSize) }, entries[2]!])
    const zeros = Buffer.alloc(1 << 20)
    const read = async (content: Buffer) => {
      const file = await open(content)
      return file.read('w').finally(() => file.close())
    }
    const says = (message: string) =>
      expect.objectContaining({ code: 'ERR_FORMAT', message: expect.stringContaining(message) })
    await expect(read(changed({ method: 8 }))).rejects.toThrow(says('entry "m/data/0" is compressed, but does not'))
    await expect(read(bomb(zeros, 8))).rejects.toThrow(says('does not inflate to its 8 bytes'))
    await expect(read(bomb(Buffer.alloc(4), 8))).rejects.toThrow(says('does not inflate to its 8 bytes'))
    await expect(read(bomb(zeros, 2 ** 31))).rejects.toThrow(says('inflates to far more than'))
    const cut = zip([{ name: 'm/data.pkl', ...deflated(entries[0]!.data, 99) }, ...entries.slice(1)])
    await refused(cut, 'ERR_FORMAT', 'entry "m/data.pkl" is compressed, but does not inflate to its 99 bytes')
  })

  it('of a big-endian machine is read the other way round', async () => {
    const big = (data: Buffer) => [...saved(dict(two), data), { name: 'm/byteorder', data: Buffer.from('big') }]
    expect(await valuesOf(zip(big(floats(1, 2).swap32())))).toEqual([1, 2])
    const half = Buffer.from(Uint16Array.of(0x3c00, 0xc000).buffer).swap16()
    const w = tensor(storage('0', 2, 'HalfStorage'), [2])
    const parts = [...saved(dict({ w }), half), { name: 'm/byteorder', data: Buffer.from('big') }]
    expect(await valuesOf(zip(parts))).toEqual([1, -2])
    const long = Buffer.from(BigInt64Array.of(7n, -1n).buffer).swap64()
    const i64 = saved(dict({ w: tensor(storage('0', 2, 'LongStorage'), [2], { strides: [1] }) }), long)
    expect(await valuesOf(zip([...i64, { name: 'm/byteorder', data: Buffer.from('big') }]))).toEqual([7, -1])
  })

  it('may list its entries in another order than they lie in', async () => {
    const at = 30 + 'm/data.pkl'.length + 7 + first!.data.length
    const next = at + 30 + 'm/data/0'.length + 7 + entry.data.length
    const turned = zip([
      first!,
      { ...entry, says: { localName: 'm/data/1', headerAt: next } },
      { name: 'm/data/1', data: floats(3, 4), says: { localName: 'm/data/0', headerAt: at } },
    ])
    expect(await valuesOf(turned)).toEqual([3, 4])
  })

  it('of every length but its own is refused', async () => {
    const whole = zip(saved())
    for (let length = 0; length < whole.length; length++) {
      await refused(whole.subarray(0, length), 'ERR_FORMAT', 'is not a valid PyTorch file')
    }
  })
})

describe('a stream from before torch 1.6', () => {
  const data = { elements: 4, data: floats(1, 2, 3, 4) }
  const whole = legacy(pickle(dict({ w: tensor(storage('k', 4), [4]) })), { k: data })

  it('is read, views of storages too', async () => {
    expect(await valuesOf(whole)).toEqual([1, 2, 3, 4])
    const view = storage('k', 4, 'FloatStorage', tuple(text('v'), int(1), int(3)))
    expect(await valuesOf(legacy(pickle(dict({ w: tensor(view, [2], { offset: 1 }) })), { k: data }))).toEqual([3, 4])
    const beyond = legacy(pickle(dict({ w: tensor(view, [3], { offset: 1 }) })), { k: data })
    await refused(beyond, 'ERR_FORMAT', 'needs elements 1 to 4 of a storage that has 3')
  })

  it('is read past its first mebibyte', async () => {
    const long = pickle(dict({ note: text('x'.repeat(3 << 20)), w: tensor(storage('k', 4), [4]) }))
    expect(await valuesOf(legacy(long, { k: data }))).toEqual([1, 2, 3, 4])
  })

  it.each<[string, Buffer]>([
    ['storage "j" belongs to no tensor', legacy(pickle(dict(two)), { j: data })],
    ['storage "0" is not among those', legacy(pickle(dict(two)), {})],
    ['has two types', legacy(pickle(dict({ ...two, v: tensor(storage('0', 2, 'HalfStorage'), [2]) })))],
    ['none that torch.save wrote', pickle(dict({ epoch: int(3) }))],
    ['neither as a zip archive nor as a pickle', Buffer.from('<html>')],
  ])('that lies is refused: %s', async (message, content) => {
    await refused(content, 'ERR_FORMAT', message)
  })

  it('that claims more than it has is refused', async () => {
    const claim = (elements: number) =>
      legacy(pickle(dict({ w: tensor(storage('k', 4), [4]) })), { k: { ...data, elements } })
    await refused(claim(5), 'ERR_FORMAT', 'storage "k" claims 5 elements, more than follow')
    await refused(claim(2 ** 61), 'ERR_FORMAT', 'more than follow')
    await refused(whole.subarray(0, -20), 'ERR_FORMAT', 'it ends before storage "k"')
    const negative = Buffer.from(whole)
    negative.writeBigInt64LE(-1n, whole.length - 24)
    await refused(negative, 'ERR_FORMAT', 'storage "k" claims -1 elements')
    for (let length = 0; length < whole.length; length++) {
      await refused(whole.subarray(0, length), 'ERR_FORMAT', 'is not a valid PyTorch file')
    }
  })

  it('with keys that are none, or come twice, is refused', async () => {
    const at = whole.lastIndexOf(text('k'))
    const withKey = (key: Buffer) => bytes(whole.subarray(0, at), key, whole.subarray(at), whole.subarray(-24))
    await refused(withKey(int(7)), 'ERR_FORMAT', 'its storages have no list of keys')
    await refused(withKey(text('k')), 'ERR_FORMAT', 'storage "k" comes twice')
  })

  it('of another version is refused', async () => {
    const old = Buffer.from(whole)
    old.writeUInt16LE(1000, whole.indexOf(int(1001)) + 2)
    await refused(old, 'ERR_FORMAT', 'it has version 1000 of the old format')
  })

  it('of a big-endian machine has its storages as any other', async () => {
    const swapped = Buffer.from(whole)
    swapped[whole.indexOf(Op.NEWTRUE)] = Op.NEWFALSE
    expect(await valuesOf(swapped)).toEqual([1, 2, 3, 4])
  })

  it('in a tar archive is from too long ago', async () => {
    const tar = Buffer.alloc(1024)
    tar.write('ustar', 257)
    await refused(tar, 'ERR_UNSUPPORTED', 'tar archive')
  })
})

it('modules in themselves are refused', async () => {
  const itself = dict({ a: bytes(Op.BINGET, 0) })
  const root = bytes(global('__torch__', 'M'), Op.EMPTY_TUPLE, Op.NEWOBJ, Op.BINPUT, 0, itself, Op.BUILD)
  await refused(zip(saved(root)), 'ERR_FORMAT', 'more than 50 deep')
})
