import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { writeSafetensors } from '../../../lib/checkpoint/formats/safetensors/safetensors.js'
import { openTensors } from '../../../lib/checkpoint/formats/tensor-files.js'
import { type Inspection, inspectModel } from '../../../lib/checkpoint/inspect.js'
import { Clip } from '../../../lib/clip/clip.js'
import { TINY, tiny } from '../../clip/tiny.js'

let folder: string
let path: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'clipwright-unwrap-'))
  path = join(folder, 'm.safetensors')
})
afterEach(() => rm(folder, { recursive: true }))

const one = { shape: [1], data: Float32Array.of(1) }
const write = (names: string[], to = path) => writeSafetensors(to, Object.fromEntries(names.map((name) => [name, one])))
async function namesIn(key?: string) {
  const tensors = await openTensors(path, key)
  await tensors.close()
  return [...tensors.entries.keys()].sort()
}

describe('names in safetensors are those without wrappers, as in pickles', () => {
  it.each([
    [
      ['model.a', 'model.b'],
      ['a', 'b'],
    ],
    [['module._orig_mod.a', 'n_averaged'], ['a']],
    [
      ['x._fsdp_wrapped_module.a', 'x._checkpoint_wrapped_module.b'],
      ['x.a', 'x.b'],
    ],
    [
      ['model.a', 'b'],
      ['b', 'model.a'],
    ],
  ])('%j', async (stored, expected) => {
    await write(stored)
    expect(await namesIn()).toEqual(expected)
  })

  it('in several files, too', async () => {
    await write(['model.a'], join(folder, '1.safetensors'))
    await write(['model.b'], join(folder, '2.safetensors'))
    path = join(folder, 'm.safetensors.index.json')
    await writeFile(path, JSON.stringify({ weight_map: { 'model.a': '1.safetensors', 'model.b': '2.safetensors' } }))
    expect(await namesIn()).toEqual(['a', 'b'])
  })
})

describe('two models in one flat file', () => {
  it('are told apart by key, and never taken unasked', async () => {
    await using clip = await tiny()
    const all = await Promise.all(clip.parameters().map(async (p) => [p.name, await p.read()] as const))
    const under = (prefix: string, factor: number) =>
      all.map(([name, { shape, data }]) => [`${prefix}.${name}`, { shape, data: data.map((x) => x * factor) }])
    await writeSafetensors(path, Object.fromEntries([...under('student', 1), ...under('teacher', 2)]))
    await expect(Clip.load(path, { model: TINY })).rejects.toThrow(
      expect.objectContaining({ code: 'ERR_MISMATCH', message: expect.stringContaining('("student", "teacher")') }),
    )
    await using teacher = await Clip.load(path, { model: TINY, key: 'teacher' })
    const inspected = (await inspectModel(path, { key: 'teacher' })) as Inspection
    expect(inspected.tensors.map(({ name }) => name).toSorted()).toEqual(all.map(([name]) => name).toSorted())
    await expect(inspectModel(path, { key: '' })).rejects.toMatchObject({ code: 'ERR_INVALID_ARGUMENT' })
    const proj = (model: Clip) =>
      model
        .parameters()
        .find(({ name }) => name === 'visual.proj')!
        .read()
    expect((await proj(teacher)).data).toEqual((await proj(clip)).data.map((x) => x * 2))
    await expect(Clip.load(path, { model: TINY, key: 'nobody' })).rejects.toThrow(
      expect.objectContaining({
        code: 'ERR_INVALID_ARGUMENT',
        message: expect.stringContaining(
          'no weights under the key "nobody"; there are weights under "student", "teacher"',
        ),
      }),
    )
  })
})
