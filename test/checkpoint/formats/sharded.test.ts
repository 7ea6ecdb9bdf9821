import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { writeSafetensors } from '../../../lib/checkpoint/formats/safetensors/safetensors.js'
import { openTensors } from '../../../lib/checkpoint/formats/tensor-files.js'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sharded-'))
  await writeSafetensors(join(folder, 'a.safetensors'), { x: tensor(1), y: tensor(2) }, { metadata: { format: 'pt' } })
  await writeSafetensors(join(folder, 'b.safetensors'), { z: tensor(3) })
})
afterEach(() => rm(folder, { recursive: true }))

const tensor = (value: number) => ({ shape: [1], data: Float32Array.of(value) })
const writeIndex = (index: unknown) =>
  writeFile(join(folder, 'model.safetensors.index.json'), typeof index === 'string' ? index : JSON.stringify(index))
const openIndex = () => openTensors(join(folder, 'model.safetensors.index.json'))
const refusal = (code: string, part: string) =>
  expect.objectContaining({ code, message: expect.stringContaining(part) })

describe('an index of shards', () => {
  it('gathers the tensors of all shards', async () => {
    await writeIndex({
      metadata: { total_size: 12 },
      weight_map: { x: 'a.safetensors', z: 'b.safetensors', y: 'a.safetensors' },
    })
    const { entries, metadata, read, close } = await openIndex()
    expect([...entries].map(([name, { dtype, byteLength }]) => [name, dtype, byteLength])).toEqual([
      ['x', 'F32', 4],
      ['y', 'F32', 4],
      ['z', 'F32', 4],
    ])
    for (const [i, name] of ['x', 'y', 'z'].entries()) expect((await read(name)).data[0]).toBe(i + 1)
    await expect(read('w')).rejects.toThrow(refusal('ERR_NOT_FOUND', 'no tensor "w"'))
    expect({ ...metadata }).toEqual({ format: 'pt' })
    await close()
  })

  it('names a shard that is missing', async () => {
    await writeIndex({ weight_map: { x: 'a.safetensors', y: 'a.safetensors', z: 'c.safetensors' } })
    await expect(openIndex()).rejects.toThrow(refusal('ERR_NOT_FOUND', 'c.safetensors'))
  })

  it('names every tensor that a shard lacks or has too many', async () => {
    await writeIndex({ weight_map: { x: 'a.safetensors', v: 'a.safetensors', w: 'a.safetensors' } })
    await expect(openIndex()).rejects.toThrow(
      refusal('ERR_MISMATCH', 'a.safetensors does not hold what the index says: it lacks v, w and holds besides y'),
    )
  })

  it.each([
    ['{', 'not JSON'],
    ['null', 'weight_map'],
    [{ weight_map: [] }, 'weight_map'],
    [{ weight_map: {} }, 'is empty'],
    [{ weight_map: { x: 5 } }, 'no file name for "x"'],
    [{ weight_map: { x: '../../a.safetensors' } }, 'not a file in the same folder'],
    [{ weight_map: { x: '/etc/passwd' } }, 'not a file in the same folder'],
    [{ weight_map: { x: '..' } }, 'not a file in the same folder'],
  ])('refuses the index %j', async (index, part) => {
    await writeIndex(index)
    await expect(openIndex()).rejects.toThrow(refusal('ERR_FORMAT', part))
  })

  it('names an index that is missing', async () => {
    await expect(openIndex()).rejects.toThrow(refusal('ERR_NOT_FOUND', 'index.json'))
  })
})
