import { describe, expect, it } from 'vitest'
import { Budget } from '../../../../lib/checkpoint/formats/pickle/budget.js'
import { Op } from '../../../../lib/checkpoint/formats/pickle/opcode-names.js'
import { torchWorld } from '../../../../lib/checkpoint/formats/pickle/torch-world.js'
import { unpickle } from '../../../../lib/checkpoint/formats/pickle/unpickle.js'
import { type Instance, Tuple, type Value } from '../../../../lib/checkpoint/formats/pickle/values.js'
import { bytes, dict, global, int, type Part, text, tuple, u32, u64 } from './assemble.js'

const world = torchWorld('m.pt')
const run = (...parts: readonly Part[]): Value =>
  unpickle(bytes(...parts, Op.STOP), world, new Budget(0, world.malformed)).value

const list = (...items: Buffer[]) => bytes(Op.EMPTY_LIST, Op.MARK, items, Op.APPENDS)
const pairs = list(tuple(text('a'), int(1)), tuple(text('b'), int(2)))
const ORDERED = new Map([
  ['a', 1],
  ['b', 2],
])

/** As Python's pickle.loads has them (bytes as Uint8Array, strings of protocol 0 in latin1). */
describe('an opcode gives', () => {
  it.each<[string, readonly Part[], Value]>([
    ['INT, true', [Op.INT, '01\n'], true],
    ['INT, false', [Op.INT, '00\n'], false],
    ['INT', [Op.INT, '-70\n'], -70],
    ['LONG', [Op.LONG, '123L\n'], 123],
    ['LONG without L', [Op.LONG, '-5\n'], -5],
    ['LONG beyond 2^53', [Op.LONG, '9007199254740993L\n'], 9007199254740993n],
    ['FLOAT', [Op.FLOAT, '-1.5e3\n'], -1500],
    ['FLOAT, infinity', [Op.FLOAT, 'inf\n'], Infinity],
    ['FLOAT, minus infinity', [Op.FLOAT, '-inf\n'], -Infinity],
    ['FLOAT, nan', [Op.FLOAT, 'nan\n'], Number.NaN],
    ['BINFLOAT', [Op.BINFLOAT, Buffer.from('bff8000000000000', 'hex')], -1.5],
    ['BININT', [Op.BININT, Buffer.from('feffffff', 'hex')], -2],
    ['BININT1', [Op.BININT1, 255], 255],
    ['BININT2', [Op.BININT2, 0x34, 0xf2], 0xf234],
    ['LONG1, negative', [Op.LONG1, 2, 0x00, 0xff], -256],
    ['LONG1, empty', [Op.LONG1, 0], 0],
    ['LONG1 of nine bytes', [Op.LONG1, 9, u64(5), 1], 2n ** 64n + 5n],
    ['LONG4', [Op.LONG4, u32(1), 0x80], -128],
    ['STRING', [Op.STRING, `'a\\n\\t\\r\\x4a\\\\\\'"'\n`], 'a\n\t\rJ\\\'"'],
    ['BINSTRING', [Op.BINSTRING, u32(2), 0xe9, 'x'], 'éx'],
    ['SHORT_BINSTRING', [Op.SHORT_BINSTRING, 1, 0xe9], 'é'],
    ['UNICODE', [Op.UNICODE, '\\u732b\\U0001f600 \xe9\\u000a\\x\n'], '猫😀 é\n\\x'],
    ['BINUNICODE, a byte order mark kept', [text('\ufeff猫')], '\ufeff猫'],
    ['SHORT_BINUNICODE', [Op.SHORT_BINUNICODE, 3, Buffer.from('猫')], '猫'],
    ['BINUNICODE8', [Op.BINUNICODE8, u64(1), 'x'], 'x'],
    ['SHORT_BINBYTES', [Op.SHORT_BINBYTES, 2, 0, 255], Uint8Array.of(0, 255)],
    ['BYTEARRAY8', [Op.BYTEARRAY8, u64(1), 7], Uint8Array.of(7)],
    ['TUPLE2', [Op.NONE, Op.NEWTRUE, Op.TUPLE2], new Tuple([null, true])],
    ['TUPLE3', [Op.NONE, Op.NEWTRUE, Op.NEWFALSE, Op.TUPLE3], new Tuple([null, true, false])],
    ['LIST', [Op.MARK, int(1), int(2), Op.LIST], [1, 2]],
    ['APPEND', [Op.EMPTY_LIST, int(1), Op.APPEND, int(2), Op.APPEND], [1, 2]],
    ['DICT', [Op.MARK, text('a'), int(1), text('b'), int(2), Op.DICT], ORDERED],
    ['SETITEM', [Op.EMPTY_DICT, text('a'), int(1), Op.SETITEM, text('b'), int(2), Op.SETITEM], ORDERED],
    ['ADDITEMS', [Op.EMPTY_SET, Op.MARK, int(1), int(1), int(2), Op.ADDITEMS], new Set([1, 2])],
    ['FROZENSET', [Op.MARK, int(1), int(1), Op.FROZENSET], new Set([1])],
    ['POP', [int(1), int(2), Op.POP], 1],
    ['POP, a mark', [int(1), Op.MARK, Op.POP], 1],
    ['POP_MARK', [int(1), Op.MARK, int(2), int(3), Op.POP_MARK], 1],
    ['DUP', [int(1), Op.DUP, Op.TUPLE2], new Tuple([1, 1])],
    ['PUT and GET', [int(7), Op.PUT, '300\n', Op.POP, int(8), Op.GET, '300\n', Op.TUPLE2], new Tuple([8, 7])],
    ['LONG_BINPUT and LONG_BINGET', [int(7), Op.LONG_BINPUT, u32(300), Op.POP, Op.LONG_BINGET, u32(300)], 7],
    ['MEMOIZE, in order', [int(7), Op.MEMOIZE, int(8), Op.MEMOIZE, Op.BINGET, 0, Op.TUPLE3], new Tuple([7, 8, 7])],
    ['REDUCE', [global('collections', 'OrderedDict'), tuple(pairs), Op.REDUCE], ORDERED],
    ['INST', [Op.MARK, pairs, Op.INST, 'collections\nOrderedDict\n'], ORDERED],
    ['OBJ', [Op.MARK, global('collections', 'OrderedDict'), pairs, Op.OBJ], ORDERED],
    ['NEWOBJ_EX', [global('collections', 'OrderedDict'), tuple(pairs), Op.EMPTY_DICT, Op.NEWOBJ_EX], ORDERED],
    ['BUILD, a dict as it was', [dict({ a: int(1), b: int(2) }), dict({ _metadata: int(3) }), Op.BUILD], ORDERED],
  ])('%s', (_, parts, expected) => {
    expect(run(...parts)).toEqual(expected)
  })

  it('BUILD, attributes', () => {
    const made = run(global('__torch__', 'M'), Op.EMPTY_TUPLE, Op.NEWOBJ, dict({ a: int(1), b: int(2) }), Op.BUILD)
    expect((made as Instance).attributes).toEqual(ORDERED)
  })
})

describe('an opcode refuses', () => {
  it.each<[string, readonly Part[], string]>([
    ['a memo index of 11 digits', [Op.NONE, Op.PUT, '12345678901\n'], 'the index "12345678901"'],
    ['a decimal of 2000 digits', [Op.INT, `${'1'.repeat(2000)}\n`], 'the whole number'],
    ['1025 bytes of a number', [Op.LONG4, u32(1025), Buffer.alloc(1025)], 'whole number of 1025 bytes'],
    [
      'attributes that are no dict',
      [global('__torch__', 'M'), Op.EMPTY_TUPLE, Op.NEWOBJ, Op.NONE, Op.BUILD],
      'a state to what has none',
    ],
  ])('%s', (_, parts, message) => {
    expect(() => run(...parts)).toThrow(
      expect.objectContaining({ code: 'ERR_FORMAT', message: expect.stringContaining(message) }),
    )
  })
})

describe('a global gives', () => {
  const called = (module: string, name: string, ...args: Buffer[]) =>
    run(global(module, name), tuple(...args), Op.REDUCE)

  it.each<[string, Value, Value]>([
    ['sets', called('builtins', 'set', list(int(1), int(1))), new Set([1])],
    ['frozen sets', called('__builtin__', 'frozenset', list(int(2))), new Set([2])],
    ['bytes of protocol 2', called('_codecs', 'encode', text('é\0'), text('latin1')), Uint8Array.of(0xe9, 0)],
    ['sizes', called('torch', 'Size', tuple(int(2), int(3))), new Tuple([2, 3])],
    ['devices', called('torch', 'device', text('cuda'), int(1)), 'cuda'],
    ["TorchScript's lists", called('torch.jit._pickle', 'build_intlist', list(int(1))), [1]],
  ])('%s', (_, value, expected) => {
    expect(value).toEqual(expected)
  })
})
