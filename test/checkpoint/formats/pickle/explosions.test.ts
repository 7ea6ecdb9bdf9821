import { mkdtemp, open, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { Op } from '../../../../lib/checkpoint/formats/pickle/opcode-names.js'
import { answerOf, program } from '../../../programs/program.js'
import { archive, bytes, dict, floats, global, int, legacy, pickle, storage, tensor, u64, zip } from './assemble.js'

const MiB = 2 ** 20

let folder: string
let path: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'clipwright-explosions-'))
  path = join(folder, 'm.pt')
})
afterAll(() => rm(folder, { recursive: true }))

const readInProgram = () =>
  answerOf<{ message?: string; extraMiB: number; seconds: number }>(program('torch-file.mjs', [path]))

const many = (part: number | string | Buffer, times: number) => {
  const one = bytes(part)
  return Buffer.alloc(one.length * times, one)
}

const object = (state: Buffer) => bytes(global('__torch__', 'M'), Op.EMPTY_TUPLE, Op.NEWOBJ, state, Op.BUILD)

/** Calls a global with one list of 30,000 items a hundred thousand times. */
function copies(module: string, name: string, item: Buffer): Buffer {
  const list = bytes(Op.MARK, many(item, 30_000), Op.LIST, Op.BINPUT, 1)
  const callIt = bytes(Op.BINGET, 0, Op.BINGET, 1, Op.TUPLE1, Op.REDUCE)
  return bytes(global(module, name), Op.BINPUT, 0, Op.POP, Op.MARK, list, many(callIt, 100_000), Op.TUPLE)
}

function modulesThatShareModules(): Buffer {
  let root = object(dict({ w: tensor(storage('0', 2), [2]) }))
  for (let i = 0; i < 40; i++) {
    root = bytes(root, Op.BINPUT, i, Op.POP, object(dict({ a: bytes(Op.BINGET, i), b: bytes(Op.BINGET, i) })))
  }
  return root
}

function dictsThatShareADict(): Buffer {
  const inner = Array.from({ length: 3000 }, (_, i) => [int(i), Op.NONE])
  const outer = Array.from({ length: 20_000 }, (_, i) => [int(i), Op.BINGET, 0])
  return bytes(
    ...[Op.EMPTY_DICT, Op.MARK, inner, Op.SETITEMS, Op.BINPUT, 0, Op.POP],
    ...[Op.EMPTY_DICT, Op.MARK, outer, Op.SETITEMS],
  )
}

const EXPLOSIONS: Readonly<Record<string, () => Buffer>> = {
  'lists in lists': () => bytes(many(Op.EMPTY_LIST, 1e6), many(Op.APPEND, 1e6 - 1)),
  dicts: () => bytes(Op.MARK, many(Op.EMPTY_DICT, 1e6), Op.TUPLE),
  sets: () => bytes(Op.MARK, many(Op.EMPTY_SET, 1e6), Op.TUPLE),
  marks: () => many(Op.MARK, 1e6),
  memo: () => bytes(Op.NONE, many(Op.MEMOIZE, 1e6)),
  strings: () => bytes(Op.MARK, many(bytes(Op.SHORT_BINUNICODE, 3, '\xe7\x8c\xab'), 1e6), Op.LIST),
  operations: () => many(bytes(Op.NONE, Op.POP), 3e6),
  objects: () =>
    bytes(global('__torch__', 'M'), Op.BINPUT, 0, many(bytes(Op.BINGET, 0, Op.EMPTY_TUPLE, Op.NEWOBJ), 1e6)),
  tensors: () => {
    const sides = bytes(Op.MARK, many(bytes(Op.BININT1, 1), 64), Op.TUPLE, Op.BINPUT, 0, Op.POP)
    const hooks = bytes(Op.EMPTY_DICT, Op.BINPUT, 1, Op.POP)
    const rest = bytes(Op.BININT1, 0, Op.BINGET, 0, Op.BINGET, 0, Op.NEWFALSE, Op.BINGET, 1)
    const args = bytes(Op.MARK, storage('0', 2), rest, Op.TUPLE, Op.BINPUT, 2, Op.POP)
    const rebuild = bytes(global('torch._utils', '_rebuild_tensor_v2'), Op.BINPUT, 3, Op.POP)
    const entries = Array.from({ length: 2e5 }, (_, i) => {
      const name = i.toString(36)
      return bytes(Op.SHORT_BINUNICODE, name.length, name, Op.BINGET, 3, Op.BINGET, 2, Op.REDUCE)
    })
    return bytes(sides, hooks, args, rebuild, Op.EMPTY_DICT, Op.MARK, Buffer.concat(entries), Op.SETITEMS)
  },
  'copies of a long list': () => copies('collections', 'OrderedDict', bytes(Op.NONE, Op.NONE, Op.TUPLE2)),
  'sets of a long list': () => copies('builtins', 'set', bytes(Op.BININT2, 1, 1)),
  'dicts that share a dict': dictsThatShareADict,
  'modules that share modules': modulesThatShareModules,
}

it.each(Object.keys(EXPLOSIONS))('a pickle that would blow up is stopped: %s', async (name) => {
  const content = zip(archive(pickle(EXPLOSIONS[name]!()), { '0': floats(1, 2) }))
  await writeFile(path, content)
  const { message, extraMiB, seconds } = await readInProgram()
  expect(message).toMatch(/^ERR_FORMAT: .*its pickle (builds far more than tensors need|takes more than)/)
  expect(extraMiB).toBeLessThan((4 * content.length) / MiB + 64)
  expect(seconds).toBeLessThan(2)
})

/** A stream of zeros, which the file system does not store. Each storage is one square tensor. */
async function writeLarge(sides: readonly { side: number; isTransposed: boolean }[]): Promise<void> {
  const root = sides.map(({ side, isTransposed }, i): [string, Buffer] => {
    const strides = isTransposed ? [1, side] : [side, 1]
    return [`w${i}`, tensor(storage(`${i}`, side * side), [side, side], { strides })]
  })
  const storages = sides.map(({ side }, i) => [`${i}`, { elements: side * side, data: floats() }] as const)
  const head = legacy(pickle(dict(Object.fromEntries(root))), Object.fromEntries(storages))
  // So far each storage is its count and nothing else.
  let at = head.length - storages.length * 8
  const file = await open(path, 'w')
  await file.write(head.subarray(0, at))
  for (const { side } of sides) {
    await file.write(u64(side * side), 0, 8, at)
    at += 8 + 4 * side * side
  }
  await file.truncate(at)
  await file.close()
}

it('a large file is in memory a tensor at a time', async () => {
  const side = 2048 // 16 MiB
  await writeLarge(Array.from({ length: 32 }, (_, i) => ({ side, isTransposed: i % 8 === 7 })))
  expect((await stat(path)).size).toBeGreaterThan(512 * MiB)
  const { message, extraMiB } = await readInProgram()
  expect(message).toBeUndefined()
  // A few tensors wait for the garbage collector.
  expect(extraMiB).toBeLessThan(160)
})
