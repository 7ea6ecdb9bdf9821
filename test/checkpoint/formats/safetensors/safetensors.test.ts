import { execFileSync } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  openSafetensors,
  readSafetensors,
  type WritableTensor,
  writeSafetensors,
  writeSafetensorsFrom,
} from '../../../../lib/checkpoint/formats/safetensors/safetensors.js'

let folder: string
let count = 0
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'safetensors-'))
})
afterAll(() => rm(folder, { recursive: true }))
const newPath = () => join(folder, `${count++}.safetensors`)

/** A file of this header (an object or the JSON itself) and data. */
async function fileOf(header: unknown, data: number | Uint8Array = 0, claimed?: bigint): Promise<string> {
  const json = Buffer.from(typeof header === 'string' ? header : JSON.stringify(header))
  const length = Buffer.alloc(8)
  length.writeBigUInt64LE(claimed ?? BigInt(json.length))
  const path = newPath()
  await writeFile(path, Buffer.concat([length, json, typeof data === 'number' ? Buffer.alloc(data) : data]))
  return path
}
const f32 = (shape: unknown, begin: unknown, end: unknown) => ({ dtype: 'F32', shape, data_offsets: [begin, end] })

describe('writing and reading', () => {
  const tensors: Record<string, WritableTensor> = {
    f64: { shape: [2], data: Float64Array.of(Math.PI, -0) },
    f32: { shape: [1, 3], data: Float32Array.of(1.5, Number.NaN, -Infinity) },
    i64: { shape: [2], data: BigInt64Array.of(-(2n ** 63n), 7n) },
    i32: { shape: [1], data: Int32Array.of(-5) },
    i16: { shape: [3], data: Int16Array.of(-1, 2, 3) },
    i8: { shape: [1], data: Int8Array.of(-128) },
    u64: { shape: [], data: BigUint64Array.of(2n ** 64n - 1n) },
    u32: { shape: [1], data: Uint32Array.of(2 ** 32 - 1) },
    u16: { shape: [1], data: Uint16Array.of(65535) },
    u8: { shape: [5], data: Uint8Array.of(1, 2, 3, 4, 5) },
    none: { shape: [0, 7], data: new Float32Array(0) },
  }

  it('brings back every type, shape and the metadata', async () => {
    const path = newPath()
    const metadata = { format: 'pt', __proto__2: 'ü', 'a "b"': '' }
    await writeSafetensors(path, tensors, { metadata })
    const read = await readSafetensors(path)
    expect({ ...read.metadata }).toEqual(metadata)
    expect(Object.keys(read.tensors).sort()).toEqual(Object.keys(tensors).sort())
    for (const [name, { shape, data }] of Object.entries(tensors)) {
      const dtype = name === 'none' ? 'F32' : name.toUpperCase()
      expect(read.tensors[name]).toEqual({ dtype, shape, data })
    }
  })

  it('writes the bytes that the format prescribes', async () => {
    const path = newPath()
    await writeSafetensors(path, {
      b: { shape: [1], data: Uint8Array.of(9) },
      a: { shape: [1], data: Float32Array.of(1) },
    })
    const bytes = await readFile(path)
    const length = Number(bytes.readBigUInt64LE())
    expect(length % 8).toBe(0)
    // Wider elements first, so that each tensor is aligned.
    expect(
      bytes
        .subarray(8, 8 + length)
        .toString()
        .trimEnd(),
    ).toBe('{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"U8","shape":[1],"data_offsets":[4,5]}}')
    expect([...bytes.subarray(8 + length)]).toEqual([0, 0, 0x80, 0x3f, 9])
  })

  it('rounds to F16 and BF16 and widens back, over several chunks', async () => {
    const data = Float32Array.from({ length: 3_000_001 }, (_, i) => (i - 1_500_000) / 7)
    const path = newPath()
    await writeSafetensors(path, {
      half: { shape: [data.length], data, dtype: 'F16' },
      brain: { shape: [data.length], data, dtype: 'BF16' },
      flags: { shape: [3], data: Uint8Array.of(1, 0, 1), dtype: 'BOOL' },
    })
    const { half, brain, flags } = (await readSafetensors(path)).tensors
    expect(flags).toEqual({ dtype: 'BOOL', shape: [3], data: Uint8Array.of(1, 0, 1) })
    expect([half?.dtype, brain?.dtype]).toEqual(['F16', 'BF16'])
    let worstHalf = 0
    let worstBrain = 0
    for (let i = 0; i < data.length; i++) {
      if (Math.abs(data[i]!) > 65504 || Math.abs(data[i]!) < 1) continue
      worstHalf = Math.max(worstHalf, Math.abs((half!.data[i] as number) / data[i]! - 1))
      worstBrain = Math.max(worstBrain, Math.abs((brain!.data[i] as number) / data[i]! - 1))
    }
    // Half a unit of the last place: 11 and 8 significant bits.
    expect(worstHalf).toBeGreaterThan(0)
    expect(worstHalf).toBeLessThanOrEqual(2 ** -11)
    expect(worstBrain).toBeGreaterThan(2 ** -11)
    expect(worstBrain).toBeLessThanOrEqual(2 ** -8)
    expect(half!.data[half!.data.length - 1]).toBe(Infinity)
  })

  it('copies arrays before it returns', async () => {
    const path = newPath()
    const data = Float32Array.of(1, 2)
    const bytes = Buffer.from([1, 2])
    const written = writeSafetensors(path, { data: { shape: [2], data }, bytes: { shape: [2], data: bytes } })
    data.fill(0)
    bytes.fill(0)
    await written
    const { tensors: read } = await readSafetensors(path)
    expect([...read.data!.data, ...read.bytes!.data]).toEqual([1, 2, 1, 2])
  })

  it('takes any name, without touching prototypes', async () => {
    const path = await fileOf(
      `{"__proto__":${JSON.stringify(f32([1], 0, 4))},"constructor":${JSON.stringify(f32([0], 4, 4))}}`,
      4,
    )
    const { tensors: read } = await readSafetensors(path)
    expect(Object.keys(read)).toEqual(['__proto__', 'constructor'])
    expect(Object.getPrototypeOf(read)).toBeNull()
    const copy = newPath()
    await writeSafetensors(copy, read)
    expect(Object.keys((await readSafetensors(copy)).tensors)).toEqual(['constructor', '__proto__'].sort())
    expect(({} as { dtype?: unknown }).dtype).toBeUndefined()
  })

  it('reads one tensor of a file', async () => {
    const path = newPath()
    await writeSafetensors(path, tensors)
    await using file = await openSafetensors(path)
    expect(file.entries.get('f64')).toEqual({ dtype: 'F64', shape: [2], byteLength: 16 })
    expect((await file.read('i16')).data).toEqual(Int16Array.of(-1, 2, 3))
    await expect(file.read('f65')).rejects.toThrow(
      expect.objectContaining({ code: 'ERR_NOT_FOUND', message: expect.stringContaining('"f65" among its 11') }),
    )
  })

  it('asks a source for its values only when their turn comes', async () => {
    const order: string[] = []
    const source = (name: string) => ({
      shape: [1],
      dtype: 'BF16' as const,
      read: async () => {
        order.push(name)
        return Float32Array.of(order.length)
      },
    })
    const path = newPath()
    await writeSafetensorsFrom(path, [
      ['b', source('b')],
      ['a', source('a')],
    ])
    expect(order).toEqual(['a', 'b'])
    const { a, b } = (await readSafetensors(path)).tensors
    expect([a!.data[0], b!.data[0]]).toEqual([1, 2])
  })

  it('keeps the earlier file when a source fails', async () => {
    const path = newPath()
    await writeSafetensors(path, { a: { shape: [1], data: Float32Array.of(3) } })
    const failing = { shape: [1], dtype: 'F32' as const, read: () => Promise.reject(new Error('no more')) }
    await expect(writeSafetensorsFrom(path, [['a', failing]])).rejects.toThrow('no more')
    expect((await readSafetensors(path)).tensors.a!.data[0]).toBe(3)
    expect((await readdir(folder)).filter((name) => name.endsWith('.tmp'))).toEqual([])
  })
})

describe('writeSafetensors refuses', () => {
  const one = Float32Array.of(1)
  const detached = Float32Array.of(1)
  structuredClone(detached.buffer, { transfer: [detached.buffer] })
  const shared = new Float32Array(new SharedArrayBuffer(4))
  it.each<[string, object, object, RegExp]>([
    ['a shape of other size', { a: { shape: [2], data: one } }, {}, /"a" of shape \[2\] needs 2 elements, got 1/],
    ['a shape that is no list', { a: { shape: 1, data: one } }, {}, /whole numbers.* got 1/],
    ['a fractional size', { a: { shape: [0.5, 2], data: one } }, {}, /whole numbers.* \[0.5, 2\]/],
    ['an ordinary list', { a: { shape: [1], data: [1] } }, {}, /typed array/],
    ['nothing', { a: undefined }, {}, /typed array/],
    ['a detached buffer', { a: { shape: [1], data: detached } }, {}, /"a".*detached/],
    ['a detached buffer of no elements', { a: { shape: [0], data: detached } }, {}, /"a".*detached/],
    ['shared memory', { a: { shape: [1], data: shared } }, {}, /SharedArrayBuffer/],
    ['an unknown dtype', { a: { shape: [1], data: one, dtype: 'F8' } }, {}, /"F8"/],
    [
      'a dtype of another array',
      { a: { shape: [1], data: one, dtype: 'F64' } },
      {},
      /Float64Array, not a Float32Array/,
    ],
    ['the metadata’s name', { __metadata__: { shape: [1], data: one } }, {}, /__metadata__/],
    ['metadata that is no string', {}, { metadata: { step: 5 } }, /metadata.step.* got 5/],
    ['a name that is half a character', { 'a\ud83d': { shape: [1], data: one } }, {}, /half a surrogate pair/],
    ['metadata that is half a character', {}, { metadata: { a: '\ude00' } }, /half a surrogate pair/],
    ['an unknown option', {}, { metdata: {} }, /did you mean "metadata"/],
  ])('%s', async (_, tensors, options, message) => {
    const path = newPath()
    const call = writeSafetensors(path, tensors as Record<string, WritableTensor>, options)
    await expect(call).rejects.toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT' }))
    await expect(call).rejects.toThrow(message)
    expect(await readdir(folder)).not.toContain(basename(path))
  })
})

describe('a file that lies', () => {
  it.each<[string, unknown, number | Uint8Array, RegExp, bigint?]>([
    ['header longer than the file', {}, 0, /claims 3 bytes, but only 2 follow/, 3n],
    ['header over the limit', {}, 0, /claims 100000001 bytes, more than/, 100_000_001n],
    ['absurd header length', {}, 0, /claims 18446744073709551615 bytes/, 2n ** 64n - 1n],
    ['not JSON', '{"a":', 0, /header is not JSON/],
    ['not UTF-8', '"\u00ff"', 0, /not a JSON object/],
    ['empty header', '', 0, /header is not JSON/],
    ['a list', [], 0, /not a JSON object/],
    ['null', 'null', 0, /not a JSON object/],
    [
      'the same tensor twice',
      `{"a":${JSON.stringify(f32([0], 0, 0))},"a":${JSON.stringify(f32([0], 0, 0))}}`,
      0,
      /"a" twice/,
    ],
    ['the same field twice', '{"a":{"dtype":"F32","dtype":"U8","shape":[0],"data_offsets":[0,0]}}', 0, /"dtype" twice/],
    ['no description', { a: 5 }, 0, /"a" is not described/],
    ['unknown dtype', { a: { ...f32([1], 0, 4), dtype: 'F128' } }, 4, /"F128", which is none of F64/],
    ['half a byte', { a: { dtype: 'F4', shape: [1], data_offsets: [0, 1] } }, 1, /has 1 bytes of data, but F4 \[1\]/],
    ['a shape with a fraction', '{"a":{"dtype":"F32","shape":[1.0],"data_offsets":[0,4]}}', 4, /the number 1\.0 where/],
    ['a shape with an exponent', '{"a":{"dtype":"F32","shape":[1e0],"data_offsets":[0,4]}}', 4, /the number 1e0 where/],
    ['minus nothing', '{"a":{"dtype":"F32","shape":[-0],"data_offsets":[0,0]}}', 0, /the number -0 where/],
    [
      'an offset with a fraction',
      '{"shape":{"shape":[1],"dtype":"F32","data_offsets":[0, 4.0]}}',
      4,
      /the number 4\.0 where/,
    ],
    [
      'a name that is half a character',
      '{"a\\ud83d":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}',
      4,
      /half a surrogate pair/,
    ],
    ['metadata that is half a character', '{"__metadata__":{"a":"\\ude00"}}', 0, /"a" has half a surrogate pair/],
    ['inherited dtype', { a: { ...f32([1], 0, 4), dtype: 'constructor' } }, 4, /dtype "constructor"/],
    ['no dtype', { a: { shape: [1], data_offsets: [0, 4] } }, 4, /dtype undefined/],
    ['negative size', { a: f32([-1], 0, 4) }, 4, /shape \[-1\]/],
    ['fractional size', { a: f32([1.5], 0, 6) }, 6, /shape \[1.5\]/],
    ['size as text', { a: f32(['1'], 0, 4) }, 4, /shape \["1"\]/],
    ['shape is no list', { a: f32({ length: 1 }, 0, 4) }, 4, /shape/],
    ['size beyond numbers', { a: f32([2 ** 53], 0, 4) }, 4, /shape/],
    ['product beyond numbers', { a: f32([2 ** 40, 2 ** 40], 0, 4) }, 4, /4 bytes of data, but F32/],
    ['infinite product', { a: f32(Array(40).fill(2 ** 40), 0, 4) }, 4, /4 bytes of data, but F32/],
    ['three offsets', { a: { ...f32([1], 0, 4), data_offsets: [0, 4, 8] } }, 4, /data_offsets/],
    ['negative offset', { a: f32([1], -4, 0) }, 4, /data_offsets/],
    ['end before begin', { a: f32([1], 4, 0) }, 4, /before it begins/],
    ['offsets that do not fit the shape', { a: f32([2], 0, 4) }, 4, /4 bytes of data, but F32 \[2\] takes 8/],
    ['data beyond the file', { a: f32([2], 0, 8) }, 4, /ends at byte 8 of the data, but the file holds only 4/],
    ['overlap', { a: f32([2], 0, 8), b: f32([1], 4, 8) }, 8, /"b" overlaps/],
    ['hole', { a: f32([1], 0, 4), b: f32([1], 8, 12) }, 12, /bytes 4 to 8 before tensor "b" belong to no/],
    ['hole at the start', { a: f32([1], 4, 8) }, 8, /bytes 0 to 4 before tensor "a"/],
    ['left over', { a: f32([1], 0, 4) }, 5, /bytes 4 to 5 at its end/],
    ['metadata is a list', { __metadata__: [] }, 0, /__metadata__ is not/],
    ['metadata holds a number', { __metadata__: { step: 1 } }, 0, /"step" is not a string/],
  ])('%s', async (_, header, data, message, claimed) => {
    const path = await fileOf(header, data, claimed)
    const call = readSafetensors(path)
    await expect(call).rejects.toThrow(
      expect.objectContaining({ name: 'ClipwrightError', code: 'ERR_FORMAT', message: expect.stringContaining(path) }),
    )
    await expect(call).rejects.toThrow(message)
  })

  it('bytes that are not UTF-8', async () => {
    const path = newPath()
    await writeFile(path, Buffer.from([4, 0, 0, 0, 0, 0, 0, 0, 0x7b, 0xff, 0x7d, 0x20]))
    await expect(readSafetensors(path)).rejects.toThrow(/header is not JSON/)
  })

  it.each([0, 7])('%i bytes', async (size) => {
    const path = newPath()
    await writeFile(path, Buffer.alloc(size))
    await expect(readSafetensors(path)).rejects.toThrow(expect.objectContaining({ code: 'ERR_FORMAT' }))
  })

  it('missing file', async () => {
    await expect(readSafetensors(newPath())).rejects.toThrow(expect.objectContaining({ code: 'ERR_NOT_FOUND' }))
  })

  it('pipe', async () => {
    const path = newPath()
    execFileSync('mkfifo', [path])
    await expect(readSafetensors(path)).rejects.toThrow(
      expect.objectContaining({ code: 'ERR_IO', message: expect.stringContaining('it is a pipe') }),
    )
  })

  it('folder', async () => {
    await expect(readSafetensors(folder)).rejects.toThrow(expect.objectContaining({ code: 'ERR_FORMAT' }))
  })
})

describe('what the reference implementation takes is taken', () => {
  it('no metadata, said as null', async () => {
    const { metadata } = await readSafetensors(await fileOf('{"__metadata__":null}'))
    expect(Object.keys(metadata)).toEqual([])
  })

  it('numbers of every spelling where they mean nothing, and whole characters beyond the first plane', async () => {
    const path = await fileOf(
      '{"😀":{"dtype":"F32","shape":[1],"data_offsets":[0,4],"note":[1.5,-0]},"__metadata__":{"a":"1.0"}}',
      4,
    )
    expect(Object.keys((await readSafetensors(path)).tensors)).toEqual(['😀'])
  })

  it.each([
    ['F8_E4M3', 2],
    ['F8_E5M2', 2],
    ['F8_E8M0', 2],
    ['C64', 16],
    ['F4', 1],
  ])('%s is listed and refused for that tensor alone', async (dtype, bytes) => {
    const header = { a: { dtype, shape: [2], data_offsets: [4, 4 + bytes] }, b: f32([1], 0, 4) }
    const path = await fileOf(header, 4 + bytes)
    const file = await openSafetensors(path)
    expect(file.entries.get('a')).toEqual({ dtype, shape: [2], byteLength: bytes })
    expect((await file.read('b')).data).toEqual(Float32Array.of(0))
    const refusal = expect.objectContaining({
      code: 'ERR_UNSUPPORTED',
      message: expect.stringContaining(`tensor "a" has elements of type ${dtype}`),
    })
    await expect(file.read('a')).rejects.toThrow(refusal)
    await file.close()
    await expect(readSafetensors(path)).rejects.toThrow(refusal)
  })
})
