import { deflateRawSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import * as a from './assemble.js'
import { saved, torchFiles, two } from './hostile.js'

const { dict, floats, storage, tensor, u32, u64, zip } = a
const { open, refused, valuesOf } = torchFiles()

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
