import { describe, expect, it } from 'vitest'
import { Op } from '../../../../lib/checkpoint/formats/pickle/opcode-names.js'
import { bytes, dict, floats, int, legacy, pickle, storage, tensor, text, tuple } from './assemble.js'
import { torchFiles, two } from './hostile.js'

const { refused, valuesOf } = torchFiles()

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
