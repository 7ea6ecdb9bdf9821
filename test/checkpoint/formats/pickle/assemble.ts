/** Pickles and archives put together by hand: what no torch.save would write, and small files of weights. */
import { Op } from '../../../../lib/checkpoint/formats/pickle/opcode-names.js'
import type { StoredTensor } from '../../../../lib/checkpoint/formats/safetensors/safetensors.js'

export type Part = number | string | Buffer | readonly Part[]

/** Bytes of opcodes (numbers), their arguments (buffers, or latin1 strings), and lists of both. */
export function bytes(...parts: readonly Part[]): Buffer {
  return Buffer.concat(
    parts.map((part) => {
      if (typeof part === 'number') return Buffer.of(part)
      if (typeof part === 'string') return Buffer.from(part, 'latin1')
      return Buffer.isBuffer(part) ? part : bytes(...(part as Part[]))
    }),
  )
}

export function u32(value: number): Buffer {
  const buffer = Buffer.alloc(4)
  buffer.writeUInt32LE(value)
  return buffer
}

export function u64(value: number | bigint): Buffer {
  const buffer = Buffer.alloc(8)
  buffer.writeBigUInt64LE(BigInt(value))
  return buffer
}

const u16 = (value: number): Buffer => u32(value).subarray(0, 2)

export const text = (value: string): Buffer => {
  const utf8 = Buffer.from(value)
  return bytes(Op.BINUNICODE, u32(utf8.length), utf8)
}
export const int = (value: number): Buffer => bytes(Op.LONG1, 8, u64(BigInt.asUintN(64, BigInt(value))))
export const global = (module: string, name: string): Buffer => bytes(Op.GLOBAL, `${module}\n${name}\n`)
export const tuple = (...items: Part[]): Buffer => bytes(Op.MARK, items, Op.TUPLE)
export const call = (callee: Part, ...args: Part[]): Buffer => bytes(callee, tuple(...args), Op.REDUCE)
export const dict = (entries: Readonly<Record<string, Part>>): Buffer =>
  bytes(Op.EMPTY_DICT, Op.MARK, ...Object.entries(entries).map(([key, value]) => [text(key), value]), Op.SETITEMS)
export const pickle = (...parts: Part[]): Buffer => bytes(Op.PROTO, 2, parts, Op.STOP)

export function storage(key: string, elements: number, type = 'FloatStorage', view?: Part, module = 'torch'): Buffer {
  const id = [text('storage'), global(module, type), text(key), text('cpu'), int(elements)]
  return bytes(tuple(...id, view ?? []), Op.BINPERSID)
}

/** A tensor of a storage, row-major unless strides say otherwise. */
export function tensor(from: Part, shape: readonly number[], { offset = 0, strides = rowMajor(shape) } = {}): Buffer {
  const sizes = (list: readonly number[]) => tuple(...list.map(int))
  const hooks = call(global('collections', 'OrderedDict'))
  return call(
    global('torch._utils', '_rebuild_tensor_v2'),
    from,
    int(offset),
    sizes(shape),
    sizes(strides),
    Op.NEWFALSE,
    hooks,
  )
}

/** Two elements of a storage through another of PyTorch's functions. */
export const rebuilt = (name: string, from: Part, ...more: Part[]): Buffer =>
  call(global('torch._utils', name), from, int(0), tuple(int(2)), tuple(int(1)), ...more)

function rowMajor(shape: readonly number[]): number[] {
  return shape.map((_, i) => shape.slice(i + 1).reduce((a, b) => a * b, 1))
}

export type ZipPart = {
  name: string
  data: Buffer
  /** What the headers say in place of the truth. */
  says?: Partial<{
    method: number
    flags: number
    size: number
    headerAt: number
    zip64: boolean
    /** In the directory: of the data once inflated. */
    fullSize: number
    /** In the header before the data. */
    localName: string
    localMethod: number
    localExtra: number
  }>
}

/** A zip archive of entries that are stored as they are. */
export function zip(entries: readonly ZipPart[], { count = entries.length, comment = '' } = {}): Buffer {
  const locals: Buffer[] = []
  const central: Buffer[] = []
  let at = 0
  for (const { name, data, says = {} } of entries) {
    const { method = 0, flags = 0, size = data.length, fullSize = size, headerAt = at, zip64 = false } = says
    const padding = bytes('FB', u16(3), 'ZZZ')
    const { localName = name, localMethod = method, localExtra = padding.length } = says
    const sizes = zip64 ? bytes(u32(0xffffffff), u32(0xffffffff)) : bytes(u32(size), u32(fullSize))
    // The numbers in 64 bits come after a field of another kind.
    const numbers = bytes(u64(fullSize), u64(size), u64(headerAt))
    const extra = zip64 ? bytes('UT', u16(1), 0, u16(1), u16(numbers.length), numbers) : Buffer.alloc(0)
    const common = (by: number) => bytes(u16(flags), u16(by), u32(0), u32(0), sizes)
    const lengths = bytes(u16(localName.length), u16(localExtra))
    locals.push(bytes('PK\x03\x04', u16(20), common(localMethod), lengths, localName, padding, data))
    const place = bytes(
      u16(name.length),
      u16(extra.length),
      u16(0),
      u16(0),
      u16(0),
      u32(0),
      u32(zip64 ? 0xffffffff : headerAt),
    )
    central.push(bytes('PK\x01\x02', u16(20), u16(20), common(method), place, name, extra))
    at += locals.at(-1)!.length
  }
  const directory = Buffer.concat(central)
  const isWide = entries.some(({ says }) => says?.zip64)
  const end64 = isWide
    ? bytes(
        'PK\x06\x06',
        u64(44),
        u16(45),
        u16(45),
        u32(0),
        u32(0),
        u64(count),
        u64(count),
        u64(directory.length),
        u64(at),
      )
    : Buffer.alloc(0)
  const locator = isWide ? bytes('PK\x06\x07', u32(0), u64(at + directory.length), u32(1)) : Buffer.alloc(0)
  const numbers = isWide
    ? bytes(u16(0xffff), u16(0xffff), u32(0xffffffff), u32(0xffffffff))
    : bytes(u16(count), u16(count), u32(directory.length), u32(at))
  const end = bytes('PK\x05\x06', u16(0), u16(0), numbers, u16(comment.length), comment)
  return Buffer.concat([...locals, directory, end64, locator, end])
}

/** What torch.save would write: the pickle, and storages by key. */
export function archive(data: Buffer, storages: Readonly<Record<string, Buffer>> = {}): ZipPart[] {
  const stored = Object.entries(storages).map(([key, content]) => ({ name: `m/data/${key}`, data: content }))
  return [{ name: 'm/data.pkl', data }, ...stored, { name: 'm/version', data: Buffer.from('3\n') }]
}

/** A stream from before torch 1.6. */
export function legacy(
  root: Buffer,
  storages: Readonly<Record<string, { elements: number; data: Buffer }>> = {},
): Buffer {
  const keys = bytes(Op.EMPTY_LIST, Op.MARK, Object.keys(storages).map(text), Op.APPENDS)
  const magic = Buffer.from('6cfc9c46f9206aa85019', 'hex')
  return bytes(
    pickle(Op.LONG1, magic.length, magic),
    pickle(int(1001)),
    pickle(dict({ little_endian: Buffer.of(Op.NEWTRUE) })),
    root,
    pickle(keys),
    Object.values(storages).map(({ elements, data }) => [u64(elements), data]),
  )
}

export const floats = (...values: number[]): Buffer => Buffer.from(Float32Array.from(values).buffer)

/** The pickle of a state dict, and its storages. */
export function stateDict(
  tensors: Readonly<Record<string, StoredTensor>>,
  prefix = '',
): [Buffer, Record<string, Buffer>] {
  const entries = Object.entries(tensors)
  const values = entries.map(([name, { shape, data }], i) => [
    prefix + name,
    tensor(storage(`${i}`, data.length), shape),
  ])
  const storages = entries.map(([, { data }], i) => [`${i}`, Buffer.from(data.buffer)])
  return [dict(Object.fromEntries(values)), Object.fromEntries(storages)]
}
