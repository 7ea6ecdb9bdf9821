import { describe, expect, it } from 'vitest'
import { Op } from '../../../../lib/checkpoint/formats/pickle/opcode-names.js'
import * as a from './assemble.js'
import { saved, torchFiles, two } from './hostile.js'

const {
  archive,
  bytes,
  call,
  dict,
  global,
  int,
  legacy,
  pickle,
  rebuilt,
  storage,
  tensor,
  text,
  tuple,
  u32,
  u64,
  zip,
} = a
const { refused, valuesOf } = torchFiles()

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

it('modules in themselves are refused', async () => {
  const itself = dict({ a: bytes(Op.BINGET, 0) })
  const root = bytes(global('__torch__', 'M'), Op.EMPTY_TUPLE, Op.NEWOBJ, Op.BINPUT, 0, itself, Op.BUILD)
  await refused(zip(saved(root)), 'ERR_FORMAT', 'more than 50 deep')
})
