import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { readSafetensors } from '../../../lib/checkpoint/formats/safetensors/safetensors.js'
import { openTensors } from '../../../lib/checkpoint/formats/tensor-files.js'

const pickled = (name: string) => fileURLToPath(new URL(`../../goldens/pickle/${name}`, import.meta.url))

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'clipwright-content-'))
})
afterEach(() => rm(folder, { recursive: true }))

const NAMES = ['a.ckpt', 'a.pth.tar', 'a', 'A.PT', 'a.bin', 'a.safetensors', 'A.SAFETENSORS', 'a.weights']

describe('tensors are read by what is in a file, whatever it is called', () => {
  it.each(NAMES)('%s', async (name) => {
    const path = join(folder, name)
    for (const original of ['checkpoint.pt', 'checkpoint-legacy.pt', 'expected.safetensors']) {
      await copyFile(pickled(original), path)
      const tensors = await openTensors(path)
      expect((await tensors.read('scalar')).data, original).toEqual(Float32Array.of(2.6592))
      await tensors.close()
    }
  })

  it('in shards, too', async () => {
    await copyFile(pickled('checkpoint.pt'), join(folder, '1.safetensors'))
    await copyFile(pickled('checkpoint.pt'), join(folder, 'names.pt'))
    const all = await openTensors(join(folder, 'names.pt'))
    await all.close()
    const weight_map = Object.fromEntries([...all.entries.keys()].map((name) => [`module.${name}`, '1.safetensors']))
    const index = join(folder, 'm.safetensors.index.json')
    await writeFile(index, JSON.stringify({ weight_map }))
    const tensors = await openTensors(index)
    expect((await tensors.read('scalar')).data).toEqual(Float32Array.of(2.6592))
    await tensors.close()
  })

  it.each([
    ['a pickle', 0x0280],
    ['a pickle of protocol 5', 0x0580],
    ['a gzip stream', 0x8b1f],
    ['a bzip2 stream', 0x5a42],
    ['a picture', 0x5089],
    ['a page', 0x213c],
  ])('safetensors whose header has a length with the first bytes of %s', async (_, bytes) => {
    const path = join(folder, 'a.safetensors')
    const length = Buffer.alloc(8)
    length.writeBigUInt64LE(BigInt(bytes))
    const header = '{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}'.padEnd(bytes)
    await writeFile(path, Buffer.concat([length, Buffer.from(header), Buffer.from(Float32Array.of(0.5).buffer)]))
    const tensors = await openTensors(path)
    expect((await tensors.read('a')).data).toEqual(Float32Array.of(0.5))
    await tensors.close()
  })
})

const LFS = 'version https://git-lfs.github.com/spec/v1\noid sha256:4665\nsize 135\n'

describe('what lies where weights should be is named as what it is, with the remedy', () => {
  it.each<[string, string | Buffer, RegExp]>([
    ['a pointer', LFS, /is a Git LFS pointer .*; fetch those with "git lfs pull"/],
    ['a web page', '<!DOCTYPE html>\n<html><head>', /is a web page \(HTML\), .*download it again/],
    ['a list', 'filepath\ttitle\na.jpg\tA cat, asleep\n', /is a table of text \(CSV or TSV\).* as their data/],
    ['a list with commas', 'image,caption\na.jpg,"A cat, asleep"\n', /is a table of text/],
    ['JSON', '{"model_cfg": {}}', /is JSON, not weights; name the file of weights/],
    ['a compressed file', gzipSync('x'), /is compressed with gzip; unpack it first/],
    ['a picture', Buffer.from('\x89PNG\r\n', 'latin1'), /is a picture/],
    ['an array', Buffer.from('\x93NUMPY', 'latin1'), /is an array of NumPy; convert it/],
  ])('%s', async (_, content, message) => {
    for (const name of ['m.pt', 'm.safetensors', 'm.bin', 'm']) {
      const path = join(folder, name)
      await writeFile(path, content)
      await expect(openTensors(path)).rejects.toThrow(
        expect.objectContaining({ code: 'ERR_FORMAT', message: expect.stringMatching(message) }),
      )
    }
    const path = join(folder, 'm.safetensors')
    await expect(readSafetensors(path)).rejects.toThrow(
      expect.objectContaining({ message: expect.stringMatching(message) }),
    )
  })

  it('PyTorch, where only safetensors are read', async () => {
    await expect(readSafetensors(pickled('state.pth'))).rejects.toThrow(
      expect.objectContaining({ code: 'ERR_FORMAT', message: expect.stringContaining('it is a file of PyTorch') }),
    )
  })

  it('a pickle that no torch.save wrote', async () => {
    const path = join(folder, 'm.safetensors')
    await writeFile(path, Buffer.from([0x80, 4, 0x4b, 1, 0x2e, ...new Array(40).fill(0)]))
    await expect(openTensors(path)).rejects.toThrow(
      expect.objectContaining({ message: expect.stringContaining('it is a pickle, but none') }),
    )
  })

  it('what nothing is known of, by its name', async () => {
    const path = join(folder, 'm.npz')
    await writeFile(path, await readFile(pickled('make.py')).then((text) => text.subarray(3, 20)))
    await expect(openTensors(path)).rejects.toThrow(expect.objectContaining({ code: 'ERR_UNSUPPORTED' }))
  })
})
